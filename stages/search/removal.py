"""Removal: the tiles after rows of the sketches are removed: their blocks, counts and candidates.

All blocks are kept, in their order, with their numbers; a block whose last row was removed is empty and remains
between its neighbors. A removed image's candidates pass to the copy that takes its place (passing.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.removal import Held, batches
from manifests.shard import Part, read_receipt
from manifests.tables import CANDIDATES, OK, OVER_CAP
from stages.base import Task
from stages.removal import MOVED, Change, Removal, naming
from stages.search.passing import SIDES, TILE, passed, scored
from stages.search.tiles import BELOW_FLOOR, COPY, block_at, blocks_of, pairs_in, shifted, tile_of


class Sketched(NamedTuple):
    """What the search must know of the sketches: for every row, (n,), whether its image is `gone`, `ok`, `compared`."""

    gone: NDArray[np.bool_]
    ok: NDArray[np.bool_]  # kept, with vectors
    compared: NDArray[np.bool_]  # of those, the ones that are no copy of another afterwards
    places: Mapping[str, tuple[int, str | None]]  # of replaced images and their successors: row and digest


@dataclass(frozen=True)
class TilesChange(Change):
    """Candidates of a removed image pass to its copy, each to the tile of its two images."""

    needs: ClassVar[tuple[str, ...]] = ("embeddings", "sketches", "copies")
    seen: Sequence[int] = ()  # images with vectors in each block afterwards
    compared: Sequence[int] = ()  # of those, the ones that are no copies

    @classmethod
    def decided(cls, removal: Removal, step: str) -> Self:
        """Decide about the tiles and write the rows that move. Raises Refused if their plan is missing."""
        held, successors = removal.steps[step], removal.changes["copies"].successors
        if held.plan is None:
            raise Refused(f"{held.folder.url} lacks the plan of its tiles; remove the folder, a run makes it again")
        tasks = [Task.from_json(task) for task in held.tasks]
        blocks, images = blocks_of(tasks), _sketched(removal, successors)
        at = {image: block_at(blocks, row) for image, (row, _) in images.places.items()}
        where = {image: block for image, block in at.items() if block is not None}
        successors = {of: copy for of, copy in successors.items() if of in where and copy in where}
        rows, moved = passed(held, removal.gone, successors, where)
        others = {copy for of, copy in successors.items() if images.places[of][1] != images.places[copy][1]}
        moved = scored(moved, others, removal.steps["embeddings"], held.lineage["settings"]["search"])
        with removal.run.aside(MOVED) as path:
            pq.write_table(moved, path)
        missing = _missing(held.shards(), len(blocks), [(where[of], where[copy]) for of, copy in successors.items()])
        seen, compared = ([int(of[slice(*block)].sum()) for block in blocks] for of in (images.ok, images.compared))
        return cls(
            rows - moved.num_rows,
            [tile for tile in held.shards() if tile not in missing],
            successors,
            [task.to_json() for task in shifted(tasks, images.gone)],
            missing,
            seen,
            compared,
        )

    def parts(self, removal: Removal, held: Held, name: str) -> Iterator[Part]:
        """Yield a tile's candidates, then those that move here. What max_per_image cut is only known as a bound."""
        capped, left = read_receipt(held.folder, name).counts.rejected.get(OVER_CAP, 0), 0
        with removal.run.open(MOVED) as file:
            moved = pq.read_table(file, filters=[(TILE, "=", name)]).drop_columns([TILE])
        # a copy had no candidates: those of one that is promoted moved here before a kill
        out = pa.concat_arrays([removal.gone, pa.array(self.successors.values(), pa.string())])
        for batch in batches(held.folder, name):
            rows = pa.Table.from_batches([batch.filter(pc.invert(naming(batch, SIDES, out)))])
            left += rows.num_rows
            yield Part(rows, Counts(rows.num_rows, rows.num_rows))
        yield Part(moved, Counts(moved.num_rows, moved.num_rows))
        left += moved.num_rows
        seen, compared = pairs_in(name, self.seen), pairs_in(name, self.compared)
        capped = min(capped, compared - left)
        rejected = {BELOW_FLOOR: compared - left - capped, COPY: seen - compared, OVER_CAP: capped}
        told = {reason: count for reason, count in rejected.items() if count}
        yield Part(CANDIDATES.columns.empty_table(), Counts(sum(told.values()), 0, told))


def _sketched(removal: Removal, successors: Mapping[str, str]) -> Sketched:
    copies, sketches = removal.steps["copies"], removal.steps["sketches"]
    promoted, asked = (pa.array(ids, pa.string()) for ids in (successors.values(), [*successors, *successors.values()]))
    ids = [pa.array([], pa.string())]
    ids += [batch.column(0) for name in copies.shards() for batch in batches(copies.folder, name, ("image_id",))]
    every = pa.concat_arrays(ids)
    remaining = every.filter(pc.invert(pc.is_in(every, promoted)))
    masks, places, first = [np.zeros((3, 0), bool)], dict[str, tuple[int, str | None]](), 0
    for name in sketches.shards():
        for batch in batches(sketches.folder, name, ("image_id", "status", "digest")):
            own = batch.column("image_id")
            asking = (pc.is_in(own, removal.gone), pc.equal(batch.column("status"), OK), pc.is_in(own, remaining))
            out, whole, copy = (mask.to_numpy(zero_copy_only=False) for mask in asking)
            masks.append(np.stack([out, whole & ~out, whole & ~out & ~copy]))
            for row in np.flatnonzero(pc.is_in(own, asked).to_numpy(zero_copy_only=False)).tolist():
                places[own[row].as_py()] = first + row, batch.column("digest")[row].as_py()
            first += batch.num_rows
    gone, ok, compared = np.concatenate(masks, axis=1)
    return Sketched(gone, ok, compared, places)


def _missing(tiles: Sequence[str], blocks: int, moves: Sequence[tuple[int, int]]) -> list[str]:
    """Return a promoted copy's tiles whose counterparts of the original do not exist, so they lack its candidates."""
    there = set(tiles)
    both = ((tile_of(old, other), tile_of(new, other)) for old, new in moves for other in range(blocks))
    return sorted({new for old, new in both if new in there and old not in there})
