"""Without: remove some images from every step of a run, leaving it as consistent as before.

First everything is decided (decide.py) and recorded, then the shards are rewritten, and last the commits, which
name one another's contents. Each part can be repeated: the same call finishes what a killed process left. Until
the commits are written, nobody else can open the manifests, since the sizes differ from those stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from manifests.counts import Counts
from manifests.manifest import Removed
from manifests.removal import Held, batches, put_shard, schema_of
from manifests.shard import SUFFIX, Part, read_receipt
from manifests.storage import Folder
from manifests.tables import OK, OVER_CAP
from pipeline.run.layout import AUDIT, GALLERY, ORDER, PLANTED
from pipeline.run.removal.decide import ONE_ROW, decide, steps_held
from pipeline.run.removal.moved import SIDES, moved_to, untouched
from pipeline.run.removal.representatives import written
from pipeline.run.removal.rows import texts
from pipeline.run.removal.settled import Settled
from stages.search.stage import BELOW_FLOOR, COPY

Check = Callable[[], None]


def without(run: Folder, ids: Collection[str], note: Removed, check: Check = lambda: None) -> dict[str, int]:
    """Remove all rows of these images from every step; return step -> number removed. The caller holds the run's lease.

    `note`: when and why, for the lineages; its `at` identifies this removal. `check` is called before each
    write. `pairs`, the gallery and the audit, which are outdated, are removed: the next run makes them.
    """
    gone, steps = texts(sorted(ids)), steps_held(run)
    _forget_what_was_said(run, steps)
    settled = Settled.read(run, note.at)
    if settled is None:
        settled = decide(run, steps, gone, note.at)
        settled.write(run)
    for step in ("candidates", "copies", *reversed(ONE_ROW)):
        if step in steps:
            _write_again(run, steps[step], gone, settled, check)
    check()
    _commit_again(steps, settled, note)
    Settled.end(run)
    return settled.rows


def _forget_what_was_said(run: Folder, steps: Mapping[str, Held]) -> None:
    for name in (GALLERY, PLANTED):
        run.forget(name)
    (run / "candidates").forget(AUDIT)
    for step in ORDER:
        (run / step).sweep()  # a step that was killed at its first file has nothing else
    if "pairs" in steps:
        steps["pairs"].discard()


def _write_again(run: Folder, step: Held, gone: pa.StringArray, settled: Settled, check: Check) -> None:
    for name in settled.touched.get(step.folder.name, ()):
        check()
        if step.folder.name == "candidates":
            parts = _tile(run, step, name, gone, settled)
        elif step.folder.name == "copies":
            parts = _copies(step, name, gone, settled)
        else:
            parts = _images(step, name, gone)
        put_shard(step.folder, name, parts)
    if step.folder.name == "candidates" and settled.tasks:
        step.plan_again([dict(task) for task in settled.tasks])
        for name in settled.missing:
            step.folder.forget(name + SUFFIX)


def _images(step: Held, name: str, gone: pa.StringArray) -> Iterator[Part]:
    """Yield a shard with one row per image, and its counts, without the removed rows."""
    then = read_receipt(step.folder, name).counts
    rows = pa.Table.from_batches(batches(step.folder, name), schema_of(step.folder, name).columns)
    out = pc.is_in(rows.column("image_id"), gone)
    tally = Counter(rows.filter(out).column("status").to_pylist())
    ok = tally.pop(OK, 0)
    rejected = {why: count - tally[why] for why, count in then.rejected.items() if count > tally[why]}
    counts = Counts(then.seen - ok - tally.total(), then.ok - ok, rejected, then.aside)
    yield Part(rows.filter(pc.invert(out)), counts)


def _copies(step: Held, name: str, gone: pa.StringArray, settled: Settled) -> Iterator[Part]:
    """Yield a lot's copies; images that are not among them represent themselves."""
    seen, left = settled.lots[name], 0
    tally = Counter[str]()
    for batch in batches(step.folder, name):
        rows = written(batch, gone, settled.stands, settled.alone)
        left += rows.num_rows
        tally.update(f"same_{same}" for same in rows.column("same").to_pylist())
        yield Part(rows, Counts())
    yield Part(
        schema_of(step.folder, name).columns.empty_table(), Counts(seen, seen - left, dict(sorted(tally.items())))
    )


def _tile(run: Folder, step: Held, name: str, gone: pa.StringArray, settled: Settled) -> Iterator[Part]:
    """Yield a tile's candidates, with those that move here. What max_per_image cut is only known as an upper bound."""
    capped = read_receipt(step.folder, name).counts.rejected.get(OVER_CAP, 0)
    promoted, there, left = texts(sorted(set(settled.stands.values()))), set[tuple[str, str]](), 0
    for batch in batches(step.folder, name):
        rows = batch.filter(untouched(batch, gone))
        known = rows.filter(pc.invert(untouched(rows, promoted)))
        there |= set(zip(*(known.column(side).to_pylist() for side in SIDES), strict=True))
        left += rows.num_rows
        yield Part(pa.Table.from_batches([rows]), Counts(rows.num_rows, rows.num_rows))
    for moved in moved_to(run, name, there):
        left += moved.num_rows
        yield Part(moved, Counts(moved.num_rows, moved.num_rows))
    seen, compared = settled.tiles[name]
    capped = min(capped, compared - left)
    rejected = {BELOW_FLOOR: compared - left - capped, COPY: seen - compared, OVER_CAP: capped}
    told = {reason: count for reason, count in rejected.items() if count}
    yield Part(schema_of(step.folder, name).columns.empty_table(), Counts(sum(told.values()), 0, told))


def _commit_again(steps: Mapping[str, Held], settled: Settled, note: Removed) -> None:
    """Rewrite plans and commits, in the order in which steps depend on one another."""
    now: dict[str, dict[str, str]] = {}
    for step, there in steps.items():
        if step == "pairs" or (held := Held.of(there.folder)) is None:
            continue
        receipts = held.receipts(settled.touched.get(step, ()))
        now[step] = held.states(receipts)
        rows = settled.rows.get(step, 0)
        held.put(receipts, settled.was, now, Removed(note.at, note.why, rows) if rows else None)
