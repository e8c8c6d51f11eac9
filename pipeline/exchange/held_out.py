"""Held out: images of benchmarks, of which none may be among training data.

An image is known again by its image_id, by its bytes, and by how it looks: dHash over 8 x 8 cells, by which Cambrian-1
looked for benchmark images among training images (arXiv 2406.16860, appendix). Crops and mirrored copies are not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from imagehash import dhash
from numpy.typing import NDArray

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.benchmark.benchmark import Benchmark, read_versions
from pipeline.benchmark.checks.finding import Finding, found
from pipeline.benchmark.photos import Photo
from pipeline.runs import steps_begun
from stages import images
from stages.images import ImageRefused

CELLS = 8  # a side: 64 bits
# of 64 bits. Photos saved anew (JPEG quality 50) or made small (224 x 224) moved by at most 3, of 67; of 19,900 pairs
# of different photos none was nearer than 11
NEAR = 4
SHOWN = 3  # images that a refusal names


@dataclass(frozen=True)
class Seen:
    """One image: what to call it, and what it is known again by. A file in a folder has no image_id."""

    name: str
    image_id: str | None
    sha256: str
    dhash: int


@dataclass(frozen=True)
class HeldOut:
    """All images of some benchmarks."""

    seen: tuple[Seen, ...]

    def check(self, photos: Iterable[Photo]) -> tuple[Finding, ...]:
        """A finding, which names the first ones and how many there are, where photos are among the held out ones.

        Raises Refused for a photo that is gone: nobody could say where else it is.
        """
        ours = [_of_photo(photo, "") for photo in {photo.image_id: photo for photo in photos}.values()]
        met = [f"{one.name} {again}" for one in ours if (again := self._again(one))]
        if not met:
            return ()
        more = f", and {len(met) - SHOWN} more" if len(met) > SHOWN else ""
        told = f"{', '.join(met[:SHOWN])}{more}; reject their pairs"
        return (found("in_a_benchmark", f"{len(met)} of {len(ours)} images for training", told),)

    def _again(self, one: Seen) -> str | None:
        """In words, as which image of a benchmark it is known again; None where it is in none."""
        if (same := self._by_id.get(one.image_id)) is not None:
            return f"is {same.name}"
        if (same := self._by_bytes.get(one.sha256)) is not None:
            return f"has the bytes of {same.name}"
        if not self.seen:
            return None
        apart = np.bitwise_count(self._dhashes ^ np.uint64(one.dhash))
        nearest = int(apart.argmin())
        return f"looks like {self.seen[nearest].name}" if apart[nearest] <= NEAR else None

    @cached_property
    def _by_id(self) -> Mapping[str | None, Seen]:
        return {one.image_id: one for one in self.seen if one.image_id}

    @cached_property
    def _by_bytes(self) -> Mapping[str, Seen]:
        return {one.sha256: one for one in self.seen}

    @cached_property
    def _dhashes(self) -> NDArray[np.uint64]:
        return np.array([one.dhash for one in self.seen], dtype=np.uint64)


def held_out(benchmarks: Sequence[Benchmark], folders: Sequence[str]) -> HeldOut:
    """The images of these benchmarks' pairs, and of these folders: runs with frozen questions, or folders of images.

    Raises Waiting for a run in which nothing is frozen, Refused for a folder without images, and for an image that is
    gone or does not decode: nobody could say where else it is.
    """
    runs = [folder for folder in folders if steps_begun(Folder(folder))]
    every = [*benchmarks, *(benchmark for run in runs for benchmark in read_versions(run))]
    # versions of one benchmark share most images: each is read once
    photos = {photo.image_id: (photo, benchmark.name) for benchmark in every for photo in benchmark.of().photos}
    seen = [_of_photo(photo, f" of {name}") for photo, name in photos.values()]
    return HeldOut((*seen, *(one for folder in folders if folder not in runs for one in _of_files(folder))))


def _of_files(folder: str) -> Iterator[Seen]:
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file() and images.is_named_as_image(path.name))
    if not paths:
        raise Refused(f"{folder} is neither a run nor a folder with images; name the benchmark that is to be held out")
    return (_seen(str(path), None, path.read_bytes) for path in paths)


def _of_photo(photo: Photo, where: str) -> Seen:
    return _seen(f"{photo.source}/{photo.key}{where}", photo.image_id, photo.read)


def _seen(name: str, image_id: str | None, read: Callable[[], bytes]) -> Seen:
    try:
        data = read()
        bits = dhash(images.decode(data), CELLS).hash
    except ImageRefused as refusal:
        raise Refused(f"{name} cannot be compared ({refusal.sentence}); bring it back, or leave it out") from refusal
    return Seen(name, image_id, hashlib.sha256(data).hexdigest(), int.from_bytes(np.packbits(bits).tobytes(), "big"))
