"""Freeze: what people have written so far becomes a committed version of the questions, which never changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from manifests.draft import Draft
from manifests.errors import Waiting
from manifests.lineage import Lineage
from manifests.manifest import COMMIT, Manifest
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from pipeline.benchmark.versions import note_store, questions_folder, store_path
from pipeline.run.layout import question_versions, run_folder
from pipeline.run.lease.lease import driving
from stages.author.stage import Author


def freeze(run: str, store: Path | None = None) -> tuple[int, Manifest, bool]:
    """The version, its manifest, and whether it is new: where nothing changed since the newest one, that is it.

    Raises Waiting where no pair is written out, Refused where another process drives the run.
    """
    folder = run_folder(run)
    stage = Author(_there(run, store_path(folder, store)))
    note_store(folder, stage.store)
    with driving(folder):
        number, newest = _newest(folder)
        (task,) = stage.plan({})
        parts = list(stage.process(task, {"images": Manifest.open(folder / "images")}))
        if newest is not None and _is_same(newest, stage, parts):
            return number, newest, False
        return number + 1, _made(folder, number + 1, stage, parts), True


def is_changed(run: Folder, store: Path) -> bool:
    """Whether people have written anything since the newest version; True where there is none."""
    _, newest = _newest(run)
    return newest is None or newest.lineage.outside != Author(store).outside()


def _is_same(newest: Manifest, stage: Author, parts: Sequence[Part]) -> bool:
    """Whether people have written nothing since, and no image has left the run."""
    now = {one for part in parts for one in part.table.column("question_id").to_pylist()}
    then = {one for batch in newest.batches(("question_id",)) for one in batch.column(0).to_pylist()}
    return newest.lineage.outside == stage.outside() and then == now


def _newest(run: Folder) -> tuple[int, Manifest | None]:
    there = question_versions(run)
    return (there[-1], Manifest.open(questions_folder(run, there[-1]))) if there else (0, None)


def _there(run: str, store: Path) -> Path:
    if not store.exists():
        raise Waiting(f"{run} has no questions yet: people write them with `blindpairs author {run}`")
    return store


def _made(run: Folder, number: int, stage: Author, parts: Sequence[Part]) -> Manifest:
    folder, (task,) = questions_folder(run, number), stage.plan({})
    if (left := Draft.planned(folder)) is not None:  # of a freezing that was killed; people have gone on since
        left.discard()
    if not sum(part.table.num_rows for part in parts):
        raise Waiting(
            f"{run.url} has no question that is written out yet: keep pairs and write them with `blindpairs author "
            f"{run.url}`"
        )
    draft = Draft.begin(folder, *_lineage(run, folder.name, stage, task.to_json()))
    receipt = write_shard(folder, task.name, stage.schema(), parts)
    return draft.commit({task.name: receipt}, expected=stage.expected({}))


def _lineage(
    run: Folder, step: str, stage: Author, task: dict[str, Any]
) -> tuple[Lineage, list[dict[str, Any]], dict[str, str]]:
    """What `Draft.begin` is told; an imported benchmark has no pairs."""
    reads = {name: Manifest.open(run / name) for name in ("images", "pairs") if (run / name).has(COMMIT)}
    inputs = {name: read.lineage.fingerprint for name, read in reads.items()}
    table = "{} {}".format(*stage.table())
    lineage = Lineage(step, f"{stage.name} {stage.version}", table, stage.settings, stage.outside(), inputs)
    return lineage, [task], {name: read.content for name, read in reads.items()}
