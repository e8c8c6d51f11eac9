"""Truth: the classes of the validation images, which their names do not state, from one of three kinds of list.

The list is the devkit, packed or unpacked; a text file of synsets, line n for image n of the sorted names; or
Kaggle's LOC_val_solution.csv, which names each image.
"""

from __future__ import annotations

import csv
import hashlib
import tarfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from manifests.errors import Refused
from manifests.stores.faults import sentence
from manifests.stores.places import absolute
from stages import images
from stages.download.imagenet.classes import SYNSET
from stages.download.imagenet.devkit import (
    GROUND_TRUTH,
    META,
    MOST_BYTES,
    PACKED,
    beside,
    packed_files,
    synsets_by_id,
    unpacked_files,
)
from stages.download.imagenet.names import base, number_in
from stages.download.store_listing import is_folder

REMEDY = "give the devkit (ILSVRC2012_devkit_t12.tar.gz or its folder), a text of synsets one a line, or Kaggle's csv"


@dataclass(frozen=True)
class Truth:
    """One synset per line, and the name of each line's image; without names, lines follow the images' sorted names."""

    synsets: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join((*self.synsets, *self.names)).encode()).hexdigest()[:16]

    @cached_property
    def _by_name(self) -> Mapping[str, str]:
        return dict(zip(self.names, self.synsets, strict=True))

    def check_fits(self, paths: Collection[str]) -> None:
        """Check that this is the truth of exactly these images. Raises Refused if it is not."""
        if len(paths) != len(self.synsets):
            raise Refused(
                f"truth has {len(self.synsets):,} lines, and {len(paths):,} images have no class of their own; "
                "give the list that belongs to them, or all of the images"
            )
        if self.names and (other := {base(path) for path in paths} - set(self.names)):
            raise Refused(f"truth does not name {min(other)}; give the list that belongs to these images")

    def by_order(self, paths: Collection[str]) -> Mapping[str, str]:
        """Return path without extension -> synset for all images that this is the truth of."""
        return dict(zip((path.rpartition(".")[0] for path in sorted(paths)), self.synsets, strict=True))

    def by_name(self, path: str) -> str | None:
        """Return the synset of one image by its name alone, or by its number if the images `are_numbered`."""
        if self.names:
            return self._by_name.get(base(path))
        number = number_in(path)
        return self.synsets[number - 1] if number and number <= len(self.synsets) else None


def are_numbered(paths: Sequence[str]) -> bool:
    """Return whether the images are numbered 1 to n in the order of their names: a number is a line."""
    return [number_in(path) for path in sorted(paths)] == list(range(1, len(paths) + 1))


def read_truth(uri: str) -> Truth:
    """Read the truth at `uri`. Raises Refused, saying what to give, if it cannot be read or states no classes."""
    try:
        found = _files(absolute(uri))
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise Refused(f"truth {uri} cannot be read: {sentence(error, uri)}; {REMEDY}") from error
    if GROUND_TRUTH not in found:
        raise Refused(f"truth {uri} holds no {GROUND_TRUTH}; {REMEDY}")
    lines = [line.strip() for line in found[GROUND_TRUTH].decode("utf-8-sig", "replace").splitlines() if line.strip()]
    if lines and lines[0].lower().startswith("imageid,"):
        return _kaggles(lines[1:], uri)
    if lines and all(line.isascii() and line.isdigit() for line in lines):
        return Truth(_by_id(lines, found.get(META), uri))
    return Truth(_checked(lines, uri))


def _files(uri: str) -> dict[str, bytes]:
    if is_folder(uri):
        return unpacked_files(uri)
    if uri.endswith(PACKED):
        return packed_files(uri)
    with images.opened(uri) as file:
        return {GROUND_TRUTH: file.read(MOST_BYTES)} | beside(uri)


def _by_id(lines: Sequence[str], meta: bytes | None, uri: str) -> tuple[str, ...]:
    if meta is None:
        raise Refused(
            f"truth {uri} holds ILSVRC2012_IDs, whose order is not that of the synsets, and no {META} that says which "
            f"is which; {REMEDY}"
        )
    known = synsets_by_id(meta, uri)
    if unknown := [line for line in lines if int(line) not in known]:
        raise Refused(f"truth {uri} holds the number {unknown[0]}, which {META} does not know; {REMEDY}")
    return tuple(known[int(line)] for line in lines)


def _kaggles(lines: Sequence[str], uri: str) -> Truth:
    rows = [row for row in csv.reader(lines) if len(row) >= 2 and row[1].split()]
    if len(rows) != len(lines):
        raise Refused(f"truth {uri} has a line that is not ImageId,PredictionString; {REMEDY}")
    return Truth(_checked([row[1].split()[0] for row in rows], uri), tuple(row[0] for row in rows))


def _checked(lines: Sequence[str], uri: str) -> tuple[str, ...]:
    if odd := [(number, line) for number, line in enumerate(lines, 1) if not SYNSET.fullmatch(line)]:
        number, line = odd[0]
        raise Refused(f"truth {uri}: {line[:80]!r}, class {number}, is not a synset such as n01440764; {REMEDY}")
    if not lines:
        raise Refused(f"truth {uri} is empty; {REMEDY}")
    return tuple(lines)
