"""Removal: which image represents the copies of a removed image, and which copies have no equal left.

The smallest image_id of the earliest lot takes its place, as when a run grows (representatives.py). A chain of copies
whose middle is removed is kept together: its vectors differ by no more than float32's rounding.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from manifests.counts import Counts
from manifests.removal import Held, batches
from manifests.shard import Part
from manifests.tables import COPIES, OK
from stages.copies.representatives import VECTORS
from stages.removal import Change, Removal, replaced


@dataclass(frozen=True)
class CopiesChange(Change):
    """A copy takes the place of a removed image that represented it."""

    needs: ClassVar[tuple[str, ...]] = ("images", "sketches")
    alone: Sequence[str] = ()  # images whose bytes no other image has in their lot or before
    seen: Mapping[str, int] = field(default_factory=dict)  # shard -> images of its lot that are left

    @classmethod
    def decided(cls, removal: Removal, step: str) -> Self:
        copies, sketches = removal.steps[step], removal.steps["sketches"]
        successors, rows = _promoted(copies, removal.gone)
        kin = _kin(removal)
        ends = copies.tasks[-1].get("ends", [len(sketches.shards())])
        lots = _lots(sketches, ends, pa.array([*kin, *removal.gone.to_pylist()], pa.string()))
        went = Counter(lots.get(image) for image in removal.gone.to_pylist())
        seen = {one.name: one.counts.seen - went[lot] for lot, one in enumerate(copies.receipts(()))}
        return cls(rows + len(successors), list(seen), successors, alone=_alone(kin, lots), seen=seen)

    def parts(self, removal: Removal, held: Held, name: str) -> Iterator[Part]:
        promoted, alone = (pa.array(ids, pa.string()) for ids in (self.successors.values(), self.alone))
        out, left, tally = pa.concat_arrays([removal.gone, promoted]), 0, Counter[str]()
        for batch in batches(held.folder, name):
            rows = batch.filter(pc.invert(pc.is_in(batch.column("image_id"), out)))
            same = pc.if_else(pc.is_in(rows.column("image_id"), alone), VECTORS, rows.column("same"))
            columns = [rows.column("image_id"), replaced(rows.column("copy_of"), self.successors), same]
            left += rows.num_rows
            tally.update(f"same_{reason}" for reason in same.to_pylist())
            yield Part(pa.table(columns, schema=COPIES.columns), Counts())
        seen = self.seen[name]
        yield Part(COPIES.columns.empty_table(), Counts(seen, seen - left, dict(sorted(tally.items()))))


def _promoted(copies: Held, gone: pa.StringArray) -> tuple[dict[str, str], int]:
    """Return removed image -> the copy that takes its place, and how many copies are removed."""
    found, rows = dict[str, tuple[int, str]](), 0
    for lot, name in enumerate(copies.shards()):
        for batch in batches(copies.folder, name, ("image_id", "copy_of")):
            stay = batch.filter(pc.invert(pc.is_in(batch.column("image_id"), gone)))
            rows += batch.num_rows - stay.num_rows
            orphans = stay.filter(pc.is_in(stay.column("copy_of"), gone))
            for copy, of in zip(*(column.to_pylist() for column in orphans.columns), strict=True):
                found[of] = min(found.get(of, (lot, copy)), (lot, copy))
    return {of: copy for of, (_, copy) in found.items()}, rows


def _kin(removal: Removal) -> dict[str, str]:
    """Return image_id -> sha256 of the kept images with the same bytes as a removed one."""
    images, hashes = removal.steps["images"], set[str | None]()
    for name in removal.changes["images"].touched:
        for batch in batches(images.folder, name, ("image_id", "sha256")):
            hashes |= set(batch.filter(pc.is_in(batch.column("image_id"), removal.gone)).column("sha256").to_pylist())
    return with_hashes(images, hashes - {None}, removal.gone)


def with_hashes(images: Held, hashes: Collection[str | None], gone: pa.StringArray) -> dict[str, str]:
    """Return image_id -> sha256 of the kept images with one of these hashes."""
    found, wanted = dict[str, str](), pa.array(hashes, pa.string())
    for name in images.shards() if hashes else ():
        for batch in batches(images.folder, name, ("image_id", "sha256")):
            stay = pc.invert(pc.is_in(batch.column("image_id"), gone))
            both = batch.filter(pc.and_(stay, pc.is_in(batch.column("sha256"), wanted)))
            found |= dict(zip(*both.to_pydict().values(), strict=True))
    return found


def _lots(sketches: Held, ends: Sequence[int], ids: pa.StringArray) -> dict[str, int]:
    """Return the lot of each of these images that can be compared; `ends`: number of shards at the end of each lot."""
    found: dict[str, int] = {}
    for place, name in enumerate(sketches.shards()):
        for batch in batches(sketches.folder, name, ("image_id", "status")):
            rows = batch.filter(pc.and_(pc.equal(batch.column("status"), OK), pc.is_in(batch.column("image_id"), ids)))
            found |= dict.fromkeys(rows.column("image_id").to_pylist(), bisect_right(ends, place))
    return found


def _alone(kin: Mapping[str, str], lots: Mapping[str, int]) -> list[str]:
    """Return the images with no equal in their lot or before: of each sha256, a single first one."""
    found = []
    known = sorted((sha256, lots[image], image) for image, sha256 in kin.items() if image in lots)
    for _, equal in groupby(known, lambda one: one[0]):
        (_, lot, image), *others = equal
        if not others or others[0][1] > lot:
            found.append(image)
    return sorted(found)
