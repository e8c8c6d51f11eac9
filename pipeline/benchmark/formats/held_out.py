"""Held out: images of benchmarks, none of which may be in training data.

An image is recognized by its image_id, by its bytes, and by its looks: dHash over 8 x 8 cells, with which Cambrian-1
looked for benchmark images among training images (arXiv 2406.16860, appendix). Crops and mirrored copies are not found.
Flat drawings of different things may look alike, so only a person can say whether such an image is in a benchmark.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice

import numpy as np
from imagehash import dhash
from numpy.typing import NDArray

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.benchmark.benchmark import Benchmark, read_versions
from pipeline.benchmark.checks.finding import found
from pipeline.benchmark.formats.scanning.folder import images_below, without_images
from pipeline.benchmark.formats.scanning.scan import Found
from pipeline.benchmark.photos import Photo
from pipeline.findings import Finding
from pipeline.run.layout import steps_begun
from pipeline.run.run import Run
from stages import images
from stages.images import ImageRefused
from stages.text import plain

CELLS = 8  # per side: 64 bits
# bits of 64. Of 67 photos saved again (JPEG quality 50) or made small (224 x 224), none moved by more than 3; of 19,900
# pairs of different photos none was nearer than 11
NEAR = 4
SHOWN = 3  # images that a finding names
THREADS = 4  # Pillow releases the GIL while decoding


@dataclass(frozen=True)
class Seen:
    """One image: its name, and what it is recognized by.

    A file in a folder has no image_id, and an image of a run that cannot be read any more no dhash; `unread` says why.
    """

    name: str
    image_id: str | None
    sha256: str
    dhash: int | None
    unread: str = ""


@dataclass(frozen=True)
class HeldOut:
    """All images of some benchmarks."""

    seen: tuple[Seen, ...]

    def check(self, photos: Iterable[Photo]) -> tuple[Finding, ...]:
        """Find photos for training that are, or look like, held out images, and images that could not be compared.

        Each photo that looks like a held out image is a finding of its own, because a person has to look; the other
        findings name the first images and say how many there are. A photo that is gone is recognized by its id and
        bytes alone: the checks of the images report that it is gone. Raises OSError if a store failed.
        """
        ours = {photo.image_id: photo for photo in photos}.values()
        same = {photo.image_id: again for photo in ours if (again := self._same(photo))}
        like = [again for photo in ours if photo.image_id not in same and (again := self._like(photo))]
        unread = [f"{one.name} ({one.unread})" for one in self.seen if one.unread]
        of_ours = f"of {len(ours)} images for training"
        look = "look at both: reject the pair where they show the same, or accept that they look alike"
        bring = "compared by id and bytes alone; put back what the run read to compare by looks too"
        return (
            *_finding("in_a_benchmark", list(same.values()), of_ours, "reject every pair that has one"),
            *(found("near_a_benchmark", f"one {of_ours}", plain(f"{one}; {look}")) for one in like),
            *_finding("not_compared", unread, f"of {len(self.seen)} images held out", bring),
        )

    def _same(self, photo: Photo) -> str:
        """Describe which benchmark image the photo is, whatever happened to its file; empty if it is none of them."""
        if (same := self._by_id.get(photo.image_id)) is not None:
            return f"{_called(photo)} is {same.name}"
        if (same := self._by_bytes.get(photo.sha256)) is not None:
            return f"{_called(photo)} has the bytes of {same.name}"
        return ""

    def _like(self, photo: Photo) -> str:
        """Describe which benchmark image the photo looks like; empty if there is none, or if it cannot be read."""
        if not self._dhashes.size or (ours := _of_photo(photo).dhash) is None:
            return ""
        apart = np.bitwise_count(self._dhashes ^ np.uint64(ours))
        nearest = int(apart.argmin())
        return f"{_called(photo)} looks like {self._looked_at[nearest].name}" if apart[nearest] <= NEAR else ""

    @cached_property
    def _by_id(self) -> Mapping[str | None, Seen]:
        return {one.image_id: one for one in self.seen if one.image_id}

    @cached_property
    def _by_bytes(self) -> Mapping[str, Seen]:
        return {one.sha256: one for one in self.seen}

    @cached_property
    def _looked_at(self) -> Sequence[Seen]:
        return [one for one in self.seen if one.dhash is not None]

    @cached_property
    def _dhashes(self) -> NDArray[np.uint64]:
        return np.array([one.dhash for one in self._looked_at], dtype=np.uint64)


def held_out(benchmarks: Sequence[Benchmark], folders: Sequence[str]) -> HeldOut:
    """Collect the images of these benchmarks' pairs, and of `folders`: runs with frozen questions, folders, files.

    Raises Waiting for a run in which nothing is frozen; Refused for a run without a benchmark, for a folder without
    images and for a file there that may be an image and cannot be compared, because nobody could say where else it is;
    OSError if a store failed.
    """
    runs = [folder for folder in folders if steps_begun(Folder(folder))]
    found = [(folder, images_below(folder)) for folder in folders if folder not in runs]
    every = [*benchmarks, *(benchmark for run in runs for benchmark in _versions(Run.open(run)))]
    # versions of one benchmark share most images: each image is read once
    shown = [(photo, benchmark.name) for benchmark in every for photo in benchmark.of().photos]
    distinct = {(photo.image_id, photo.sha256): (photo, name) for photo, name in shown}
    seen = [_of_photo(photo, f" of {name}") for photo, name in distinct.values()]
    return HeldOut((*seen, *(one for folder, images in found for one in _of_folder(folder, images))))


def _versions(run: Run) -> Sequence[Benchmark]:
    """Read all versions of a run. Raises Refused if none has a benchmark: nothing would be held out."""
    versions = read_versions(run)
    if not any(version.of().pairs for version in versions):
        raise Refused(f"{run} has frozen pairs for training alone, and no benchmark to hold out; leave it out")
    return versions


def _of_folder(folder: str, found: Iterator[Found]) -> Iterator[Seen]:
    """Yield each image once, however often its bytes are there, under its first name. Decodes a few at a time."""
    known = set[str]()
    with ThreadPoolExecutor(THREADS) as pool:
        while some := list(islice(found, THREADS)):
            new = dict[str, Found]()
            for one in some:
                new.setdefault(hashlib.sha256(one.data).hexdigest(), one)
            fresh = {sha256: one for sha256, one in new.items() if sha256 not in known}
            known |= fresh.keys()
            yield from pool.map(partial(_of_file, folder=folder), fresh.values(), fresh.keys())
    if not known:
        raise without_images(folder)


def _of_file(found: Found, sha256: str, folder: str) -> Seen:
    try:
        return Seen(plain(found.name), None, sha256, _dhash(found.data))
    except ImageRefused as refusal:
        remedy = f"put an image that decodes in its place, or take it out of {folder}"
        raise Refused(plain(f"{found.name} cannot be compared ({refusal.sentence}); {remedy}")) from refusal


def _of_photo(photo: Photo, where: str = "") -> Seen:
    name = f"{_called(photo)}{where}"
    try:
        return Seen(name, photo.image_id, photo.sha256, _dhash(photo.read()))
    except ImageRefused as refusal:
        return Seen(name, photo.image_id, photo.sha256, None, refusal.sentence)


def _dhash(data: bytes) -> int:
    """Return a dHash of 64 bits. Raises ImageRefused for data that does not decode."""
    bits = dhash(images.decode(data), CELLS).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _called(photo: Photo) -> str:
    return f"{photo.source}/{photo.key}"


def _finding(code: str, met: Sequence[str], of: str, remedy: str) -> Iterator[Finding]:
    """Yield a finding of this code that names the first images, if there are any."""
    if met:
        more = f", and {len(met) - SHOWN} more" if len(met) > SHOWN else ""
        yield found(code, f"{len(met)} {of}", plain(f"{', '.join(met[:SHOWN])}{more}; {remedy}"))
