"""A search that grew: along directions fitted on less it still finds every pair, and counts every comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import World, compared, cosine, cuts, worlds
from world.committed import images_manifest, lineage_of, scratch
from world.vectors import cosines_in, made, search_of

from manifests.counts import Counts
from manifests.draft import Draft
from manifests.manifest import Manifest
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from stages.base import Machine, PriorState, Reads, Stage, Task
from stages.copies.stage import Copies
from stages.directions.settings import SketchSettings
from stages.directions.stage import Directions
from stages.sketch.stage import Sketch


def first(manifest: Manifest, shards: int) -> Manifest:
    """The manifest as it was when it had so many shards."""
    return replace(manifest, shards=manifest.shards[:shards])


def grown_reads(world: World, folder: str, shard_rows: Sequence[int], early: int) -> tuple[Reads, Reads]:
    """What a search read when there were `early` shards, and what it reads now."""
    now = {"embeddings": world.manifest(f"{folder}/embeddings", shard_rows)}
    now["images"] = images_manifest(f"{folder}/images", world.ids, world.sha256)
    directions = Directions(SketchSettings(), "blind", world.floor)
    now["directions"] = made(directions, {"embeddings": first(now["embeddings"], early)}, f"{folder}/directions")
    now["sketches"] = made(Sketch("blind", "reference"), now, f"{folder}/sketches")
    then = {**now, "embeddings": first(now["embeddings"], early), "sketches": first(now["sketches"], early)}
    stage = Copies()
    tasks = stage.plan(then)
    now["copies"] = written(stage, stage.extended(PriorState(tuple(tasks), 1), now), now, f"{folder}/copies")
    return {**then, "copies": first(now["copies"], 1)}, now


def written(stage: Stage, tasks: Sequence[Task], reads: Reads, folder: str) -> Manifest:
    place = Folder(folder)
    draft = Draft.begin(place, lineage_of(stage.schema()), [task.to_json() for task in tasks])
    receipts = {t.name: write_shard(place, t.name, stage.schema(), stage.process(t, reads)) for t in tasks}
    return draft.commit(receipts, expected=stage.expected(reads))


def parts_of(tasks: Sequence[Task], reads: Reads, **asked: object) -> list[Part]:
    """The parts of some tiles, by a worker that read nothing else before."""
    stage = search_of(**asked)
    stage.setup(Machine())
    return [part for task in tasks for part in stage.process(task, reads)]


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(worlds(), st.data())
def test_no_pair_is_lost_and_every_comparison_is_counted(world: World, data: st.DataObject) -> None:
    shard_rows = data.draw(cuts(len(world.ids)))
    early = data.draw(st.integers(0, len(shard_rows)))
    asked = {"min_cosine": world.floor, "block_rows": data.draw(st.integers(1, 20)), "max_per_image": None}
    with scratch() as folder:
        then, now = grown_reads(world, folder, shard_rows, early)
        stage = search_of(**asked)
        old = stage.plan(then)
        tasks = stage.extended(PriorState(tuple(old), len(old)), now)
        assert tasks[: len(old)] == old
        parts = parts_of(old, then, **asked) + parts_of(tasks[len(old) :], now, **asked)
        copies = {name for batch in now["copies"].batches(["image_id"]) for name in batch.column(0).to_pylist()}
        expected = stage.expected(now)
    stand = [place for place in compared(world) if world.ids[place] not in copies]
    near = {
        tuple(sorted((world.ids[i], world.ids[j])))
        for at, i in enumerate(stand)
        for j in stand[at + 1 :]
        if cosine(world.blind[i], world.blind[j]) >= world.floor
    }
    assert set(cosines_in(parts)) == near
    counts = sum((part.counts for part in parts), Counts())
    counts.check("the search")
    assert counts.seen == expected == len(compared(world)) * (len(compared(world)) - 1) // 2
