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
from pipeline.benchmark.frozen_lineage import FROZEN, lineages
from pipeline.benchmark.store_path import note_store, store_path
from pipeline.run.layout import QUESTIONS
from pipeline.run.lease.lease import driving
from pipeline.run.run import Run
from stages.author.stage import Author
from stages.author.unfinished import unfinished


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
        reads = {name: run.manifest(name) for name in ("images", "pairs", "candidates") if run.has(name)}
        parts = list(stage.process(task, reads if newest is None else {**reads, QUESTIONS: newest}))
        if newest is not None and _is_same(newest, stage, parts):
            return number, newest, False
        return number + 1, _made(run, number + 1, stage, parts), True


def is_changed(run: Run, store: Path) -> bool:
    """Whether people have written anything since the newest version; True if there is no version."""
    _, newest = _newest(run)
    return newest is None or not _has_same_words(newest, Author(store))


def _is_same(newest: Manifest, stage: Author, parts: Sequence[Part]) -> bool:
    """Whether people have written nothing since that version, and no image has left the run."""
    now = {one for part in parts for one in part.table.column("question_id").to_pylist()}
    then = {one for batch in newest.batches(("question_id",)) for one in batch.column(0).to_pylist()}
    return _has_same_words(newest, stage) and then == now


def _has_same_words(newest: Manifest, stage: Author) -> bool:
    now = stage.external_state()
    return {name: newest.lineage.external_state.get(name) for name in now} == now


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
        raise Waiting(f"{run} has nothing to freeze yet, because {_why_nothing(stage)} with `blindpairs author {run}`")
    draft = Draft.begin(folder, *_lineage(run, folder.name, stage, task.to_json()))
    receipt = write_shard(folder, task.name, stage.schema(), parts)
    return draft.commit({task.name: receipt}, expected=stage.expected({}))


def _why_nothing(stage: Author) -> str:
    """Return why nothing counts, and what to do."""
    if lacking := str(unfinished(stage.written)):
        return f"{lacking}. Finish them"
    if any(pair.whole for pair in stage.written):
        return "the run no longer has the images of the finished pairs. Write about others"
    return "no pair is kept. Keep pairs and write about them"


def _lineage(
    run: Run, step: str, stage: Author, task: dict[str, Any]
) -> tuple[Lineage, list[dict[str, Any]], dict[str, str]]:
    """Return the arguments of `Draft.begin`; an imported benchmark has no pairs."""
    reads = {name: run.manifest(name) for name in ("images", "pairs") if run.has(name)}
    inputs = {name: read.lineage.fingerprint for name, read in reads.items()}
    table = "{} {}".format(*stage.table())
    outside = {**stage.external_state(), FROZEN: {name: one.to_json() for name, one in lineages(run, inputs).items()}}
    lineage = Lineage(step, f"{stage.name} {stage.version}", table, stage.settings, outside, inputs)
    return lineage, [task], {name: read.content for name, read in reads.items()}
