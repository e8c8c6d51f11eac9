"""Freeze: commit what people have written so far as a version of the questions, which never changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from manifests.draft import Draft
from manifests.errors import Waiting
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from manifests.shard import Part, write_shard
from pipeline.benchmark.store_path import note_store, store_path
from pipeline.run.layout import QUESTIONS
from pipeline.run.lease.lease import driving
from pipeline.run.run import Run
from stages.author.stage import Author


def freeze(run: Run, store: Path | None = None) -> tuple[int, Manifest, bool]:
    """Return the version, its manifest, and whether it is new: if nothing changed, the newest version is returned.

    Raises Waiting if no pair is fully written, Refused if another process drives the run or a removal was interrupted.
    """
    stage = Author(_there(run, store_path(run.folder, store)))
    note_store(run.folder, stage.store)
    with driving(run.folder):
        run = Run.open(run.url)  # as it is now that nobody else can change it
        number, newest = _newest(run)
        (task,) = stage.plan({})
        parts = list(stage.process(task, {"images": run.manifest("images")}))
        if newest is not None and _is_same(newest, stage, parts):
            return number, newest, False
        return number + 1, _made(run, number + 1, stage, parts), True


def is_changed(run: Run, store: Path) -> bool:
    """Whether people have written anything since the newest version; True if there is no version."""
    _, newest = _newest(run)
    return newest is None or newest.lineage.external_state != Author(store).external_state()


def _is_same(newest: Manifest, stage: Author, parts: Sequence[Part]) -> bool:
    """Whether people have written nothing since that version, and no image has left the run."""
    now = {one for part in parts for one in part.table.column("question_id").to_pylist()}
    then = {one for batch in newest.batches(("question_id",)) for one in batch.column(0).to_pylist()}
    return newest.lineage.external_state == stage.external_state() and then == now


def _newest(run: Run) -> tuple[int, Manifest | None]:
    there = run.versions()
    return (there[-1], run.manifest(f"{QUESTIONS}-{there[-1]}")) if there else (0, None)


def _there(run: Run, store: Path) -> Path:
    if not store.exists():
        raise Waiting(f"{run} has no questions yet: people write them with `blindpairs author {run}`")
    return store


def _made(run: Run, number: int, stage: Author, parts: Sequence[Part]) -> Manifest:
    folder, (task,) = run.folder / f"{QUESTIONS}-{number}", stage.plan({})
    if (left := Draft.planned(folder)) is not None:  # left by a killed freeze; people have written more since
        left.discard()
    if not sum(part.table.num_rows for part in parts):
        raise Waiting(
            f"{run} has no question that is written out yet: keep pairs and write them with `blindpairs author {run}`"
        )
    draft = Draft.begin(folder, *_lineage(run, folder.name, stage, task.to_json()))
    receipt = write_shard(folder, task.name, stage.schema(), parts)
    return draft.commit({task.name: receipt}, expected=stage.expected({}))


def _lineage(
    run: Run, step: str, stage: Author, task: dict[str, Any]
) -> tuple[Lineage, list[dict[str, Any]], dict[str, str]]:
    """Return the arguments of `Draft.begin`; an imported benchmark has no pairs."""
    reads = {name: run.manifest(name) for name in ("images", "pairs") if run.has(name)}
    inputs = {name: read.lineage.fingerprint for name, read in reads.items()}
    table = "{} {}".format(*stage.table())
    lineage = Lineage(step, f"{stage.name} {stage.version}", table, stage.settings, stage.external_state(), inputs)
    return lineage, [task], {name: read.content for name, read in reads.items()}
