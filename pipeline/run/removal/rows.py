"""Rows: what a run's images and sketches hold about the removed images, read column by column."""

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

READERS = 8  # shards read at once: in a bucket each takes several requests


def texts(values: Collection[str]) -> pa.StringArray:
    return pa.array(values, pa.string())


def holding(step: Held, gone: pa.StringArray) -> dict[str, int]:
    """Return shard -> how many of its rows are removed, for the shards that hold any."""

    def rows(name: str) -> int:
        ids = (batch.column("image_id") for batch in batches(step.folder, name, ("image_id",)))
        return sum(int(pc.sum(pc.is_in(one, gone)).as_py() or 0) for one in ids)

    names = step.shards()
    with ThreadPoolExecutor(READERS) as readers:
        return {name: count for name, count in zip(names, readers.map(rows, names), strict=True) if count}


def kin_of(images: Held, gone: pa.StringArray, shards: Collection[str]) -> dict[str, str]:
    """Return image_id -> sha256 of kept images with the same bytes as a removed image, which `shards` hold."""
    hashes = set[str]()
    for name in shards:
        for batch in batches(images.folder, name, ("image_id", "sha256")):
            hashes |= set(batch.filter(pc.is_in(batch.column("image_id"), gone)).column("sha256").to_pylist())
    return with_hashes(images, hashes - {None}, gone)


def with_hashes(images: Held, hashes: Collection[str], gone: pa.StringArray) -> dict[str, str]:
    """Return image_id -> sha256 of the kept images with one of these hashes."""
    found: dict[str, str] = {}
    for name in images.shards() if hashes else ():
        for batch in batches(images.folder, name, ("image_id", "sha256")):
            stay = pc.invert(pc.is_in(batch.column("image_id"), gone))
            both = batch.filter(pc.and_(stay, pc.is_in(batch.column("sha256"), texts(sorted(hashes)))))
            found |= dict(zip(*both.to_pydict().values(), strict=True))
    return found


@dataclass
class Sketched:
    """(n,) for every row of the sketches, in order: whether it is comparable, removed, and then no copy of another."""

    ok: NDArray[np.bool_]
    gone: NDArray[np.bool_]
    stands: NDArray[np.bool_]
    ends: Sequence[int]  # rows at the end of each shard
    places: Mapping[str, int] = field(default_factory=dict)  # image -> its row, for the requested images
    digests: Mapping[str, str | None] = field(
        default_factory=dict
    )  # image -> digest of its vectors, for the same images

    @property
    def stays(self) -> NDArray[np.bool_]:
        """Images that can be compared and are kept."""
        return self.ok & ~self.gone

    def lots(self, ends: Sequence[int]) -> list[int]:
        """Return how many images are kept in each lot; `ends`: number of shards at the end of each."""
        edges = [0, *(self.ends[end - 1] if end else 0 for end in ends)]
        return [int(self.stays[start:stop].sum()) for start, stop in pairwise(edges)]

    def lot_of(self, image: str, ends: Sequence[int]) -> int | None:
        """Return the lot of a requested image; None where it cannot be compared."""
        row = self.places.get(image)
        if row is None or not self.ok[row]:
            return None
        return next((lot for lot, end in enumerate(ends) if row < (self.ends[end - 1] if end else 0)), None)


def sketched(sketches: Held, gone: pa.StringArray, copies: pa.StringArray, asked: Collection[str]) -> Sketched:
    """Classify the rows of the sketches; `copies`: the images that are copies after the removal."""
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
    """Return sha256 -> (image_id, lot) of the kin that can be compared."""
    found = defaultdict(list)
    for image, sha256 in kin.items():
        if (lot := rows.lot_of(image, ends)) is not None:
            found[sha256].append((image, lot))
    return dict(found)
