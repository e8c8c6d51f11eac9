"""Rows: what a run's images and sketches say of the images that go, read column by column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.removal import Held, batches
from manifests.tables import OK

READERS = 8  # shards read at once: in a bucket each is some requests


def texts(values: Collection[str]) -> pa.StringArray:
    return pa.array(values, pa.string())


def holding(step: Held, gone: pa.StringArray) -> dict[str, int]:
    """Shard -> how many of its rows go, of the shards that hold any."""

    def rows(name: str) -> int:
        ids = (batch.column("image_id") for batch in batches(step.folder, name, ("image_id",)))
        return sum(int(pc.sum(pc.is_in(one, gone)).as_py() or 0) for one in ids)

    names = step.shards()
    with ThreadPoolExecutor(READERS) as readers:
        return {name: count for name, count in zip(names, readers.map(rows, names), strict=True) if count}


def kin_of(images: Held, gone: pa.StringArray, shards: Collection[str]) -> dict[str, str]:
    """image_id -> sha256 of the images that stay and have the same bytes as one that goes, which `shards` hold."""
    hashes = set[str]()
    for name in shards:
        for batch in batches(images.folder, name, ("image_id", "sha256")):
            hashes |= set(batch.filter(pc.is_in(batch.column("image_id"), gone)).column("sha256").to_pylist())
    return with_hashes(images, hashes - {None}, gone)


def with_hashes(images: Held, hashes: Collection[str], gone: pa.StringArray) -> dict[str, str]:
    """image_id -> sha256 of the images that stay and have one of these hashes."""
    found: dict[str, str] = {}
    for name in images.shards() if hashes else ():
        for batch in batches(images.folder, name, ("image_id", "sha256")):
            stay = pc.invert(pc.is_in(batch.column("image_id"), gone))
            both = batch.filter(pc.and_(stay, pc.is_in(batch.column("sha256"), texts(sorted(hashes)))))
            found |= dict(zip(*both.to_pydict().values(), strict=True))
    return found


@dataclass
class Sketched:
    """(n,) for every row of the sketches, in order: whether it can be compared, goes, and stands for itself then."""

    ok: NDArray[np.bool_]
    gone: NDArray[np.bool_]
    stands: NDArray[np.bool_]
    ends: Sequence[int]  # rows at the end of each shard
    places: Mapping[str, int] = field(default_factory=dict)  # image -> its row, of the images asked for
    digests: Mapping[str, str | None] = field(default_factory=dict)  # image -> what tells its vectors, of the same

    @property
    def stays(self) -> NDArray[np.bool_]:
        """Images that can be compared and do not go."""
        return self.ok & ~self.gone

    def lots(self, ends: Sequence[int]) -> list[int]:
        """How many images stay in each lot; `ends`: shards at the end of each."""
        edges = [0, *(self.ends[end - 1] if end else 0 for end in ends)]
        return [int(self.stays[start:stop].sum()) for start, stop in pairwise(edges)]

    def lot_of(self, image: str, ends: Sequence[int]) -> int | None:
        """The lot of an image that was asked for; None where it cannot be compared."""
        row = self.places.get(image)
        if row is None or not self.ok[row]:
            return None
        return next((lot for lot, end in enumerate(ends) if row < (self.ends[end - 1] if end else 0)), None)


def sketched(sketches: Held, gone: pa.StringArray, copies: pa.StringArray, asked: Collection[str]) -> Sketched:
    """Read which rows of the sketches are what; `copies`: the images that are copies then."""
    parts = [np.zeros((3, 0), bool)]
    ends: list[int] = []
    places: dict[str, int] = {}
    digests: dict[str, str | None] = {}
    wanted, first = texts(sorted(asked)), 0
    for name in sketches.shards():
        for batch in batches(sketches.folder, name, ("image_id", "status", "digest")):
            ids = batch.column("image_id")
            masks = (pc.equal(batch.column("status"), OK), pc.is_in(ids, gone), pc.is_in(ids, copies))
            parts.append(np.stack([mask.to_numpy(zero_copy_only=False) for mask in masks]))
            here = np.flatnonzero(pc.is_in(ids, wanted).to_numpy(zero_copy_only=False))
            places |= {ids[int(row)].as_py(): first + int(row) for row in here}
            digests |= {ids[int(row)].as_py(): batch.column("digest")[int(row)].as_py() for row in here}
            first += batch.num_rows
        ends.append(first)
    ok, out, copy = np.concatenate(parts, axis=1)
    return Sketched(ok, out, ok & ~out & ~copy, ends, places, digests)


def by_hash(kin: Mapping[str, str], rows: Sketched, ends: Sequence[int]) -> dict[str, list[tuple[str, int]]]:
    """sha256 -> (image_id, lot) of the kin that can be compared."""
    found = defaultdict(list)
    for image, sha256 in kin.items():
        if (lot := rows.lot_of(image, ends)) is not None:
            found[sha256].append((image, lot))
    return dict(found)
