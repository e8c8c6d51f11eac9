"""Decide: before the first row is removed, work out what happens to every step of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from manifests.errors import Refused
from manifests.removal import Held
from manifests.storage import Folder
from manifests.unchanged import check_unchanged
from pipeline.run.layout import ORDER
from pipeline.run.removal.blocks import block_at, blocks_of, counted, numbers, shifted, tile_of
from pipeline.run.removal.moved import Promoted, gather, write_moved
from pipeline.run.removal.representatives import alone, crowd_of
from pipeline.run.removal.rows import Sketched, by_hash, holding, kin_of, sketched
from pipeline.run.removal.scored import scored
from pipeline.run.removal.settled import Settled

ONE_ROW = ("images", "embeddings", "sketches")  # steps with a row for every image
Steps = Mapping[str, Held]


def steps_held(run: Folder) -> dict[str, Held]:
    """Return the steps that were begun, in order, with what they hold."""
    found = {step: Held.of(run / step) for step in ORDER}
    return {step: held for step, held in found.items() if held is not None}


def check_steps(steps: Steps) -> None:
    """Raise Refused, naming the shard, if one was changed since its commit: rewritten, it would pass as valid."""
    for held in steps.values():
        check_unchanged(held.folder, held.stated)


def decide(run: Folder, steps: Steps, gone: pa.StringArray, at: str) -> Settled:
    """Decide what is removed and what the counts will be. Writes only the file of rows that move."""
    holds = {step: holding(steps[step], gone) for step in ONE_ROW if step in steps}
    rows = {step: sum(found.values()) for step, found in holds.items()}
    touched = {step: list(found) for step, found in holds.items()}
    was = {step: held.states() for step, held in steps.items()}
    if "copies" not in steps or "sketches" not in steps:
        return Settled(at, rows, touched, was)
    kin = kin_of(steps["images"], gone, touched["images"])
    crowd = crowd_of(steps["copies"], gone, pa.array(kin, pa.string()))
    asked = {*crowd.stands, *crowd.stands.values(), *kin}
    seen = sketched(steps["sketches"], gone, crowd.ids, asked)
    ends = _ends(steps["copies"], len(seen.ends))
    names = steps["copies"].shards()
    touched["copies"] = names
    rows["copies"] = _copies_before(steps["copies"]) - len(crowd.ids)
    lots = dict(zip(names, seen.lots(ends), strict=False))
    known = Settled(at, rows, touched, was, crowd.stands, alone(crowd, by_hash(kin, seen, ends)), lots)
    return known if "candidates" not in steps else _with_tiles(run, steps, gone, seen, known)


def _with_tiles(run: Folder, steps: Steps, gone: pa.StringArray, seen: Sketched, known: Settled) -> Settled:
    """Add to `known` what happens to the search's tiles."""
    candidates, lying = steps["candidates"], dict[str, int]()
    if candidates.plan is None:
        raise Refused(f"{candidates.folder.url} lacks the plan of its tiles; remove the folder, a run makes it again")
    for image, row in seen.places.items():
        if (block := block_at(blocks_of(candidates.tasks), row)) is not None:
            lying[image] = block
    promoted = Promoted({of: copy for of, copy in known.stands.items() if of in lying and copy in lying}, lying)
    moved, missing = gather(candidates, gone, promoted), _missing(candidates, promoted)
    others = {copy for of, copy in promoted.stands.items() if seen.digests[of] != seen.digests[copy]}
    moved = scored(moved, others, steps["embeddings"], candidates.lineage["settings"]["search"])
    write_moved(run, moved)
    return replace(
        known,
        rows={**known.rows, "candidates": sum(promoted.rows.values()) - moved.num_rows},
        touched={**known.touched, "candidates": [tile for tile in candidates.shards() if tile not in missing]},
        tasks=shifted(candidates.tasks, seen.gone),
        tiles=counted(candidates.tasks, seen.stays, seen.stands),
        missing=missing,
    )


def _missing(candidates: Held, promoted: Promoted) -> list[str]:
    """Return a promoted copy's tiles whose counterparts of the original do not exist, so they lack its candidates."""
    there = set(candidates.shards())
    every = sorted({number for task in candidates.tasks for number in numbers(task["name"])})
    again = set[str]()
    for of, copy in promoted.stands.items():
        for other in every:
            old, new = (tile_of(promoted.blocks[one], other) for one in (of, copy))
            if new in there and old not in there:
                again.add(new)
    return sorted(again)


def _ends(copies: Held, shards: int) -> list[int]:
    """Return how many shards of the sketches there were at the end of each lot."""
    ends: Sequence[int] = copies.tasks[-1].get("ends", [shards])
    return [min(end, shards) for end in ends]


def _copies_before(copies: Held) -> int:
    return sum(one.rows for one in copies.receipts(copies.shards()))
