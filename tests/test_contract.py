"""What every stage in the recipe must keep, whatever it does."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from world.asked_here import evaluated
from world.authoring import frozen_run
from world.inline import make_here
from world.runs import recipe

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.removal import Held
from manifests.storage import Folder
from pipeline.config.settings import Config
from pipeline.launch.evaluate import of_run
from pipeline.run.evaluation import asking_steps, scoring_steps
from pipeline.run.layout import ORDER
from pipeline.run.recipe import STAGES, Step, steps
from stages.base import Machine, MapStage, Stage
from stages.removal import Removal

EVALUATION = ("questions", "predictions-m", "answers", "scores")
NAMES = ORDER  # what layout.py calls the steps is what the recipe calls them


@pytest.fixture(scope="module")
def world(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Step], dict[str, Manifest]]:
    """The steps of a small recipe, and the manifests a run of it made."""
    values = recipe([{"name": "scenes", "kind": "shards", "uri": f"{scenes}/*.tar"}])
    root = tmp_path_factory.mktemp("contract")
    make_here(values, root)
    found = {step.name: step for step in steps(Config.model_validate(values))}
    return found, {name: Manifest.open(Folder(f"{root}/test/{name}")) for name in found}


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Step], dict[str, Manifest]]:
    """The steps of an evaluation, and the manifests it made."""
    run = frozen_run(tmp_path_factory.mktemp("contract"), 3)
    evaluated(run, "m=coin")
    folder = Folder(f"{run}/evaluation-1")
    asking = asking_steps(of_run(str(run), ["m=coin"]).config, folder)
    manifests = {name: Manifest.open(folder / name) for name in EVALUATION}
    there = {name: manifests[name] for name in EVALUATION[:2]}
    return {step.name: step for step in (*asking, *scoring_steps(there, "form"))}, manifests


@pytest.fixture(params=(*NAMES, *EVALUATION))
def placed(request: pytest.FixtureRequest) -> tuple[Stage, dict[str, Manifest], Manifest]:
    """One stage, what it reads, and what it made; `setup` has run."""
    found, manifests = request.getfixturevalue("evaluation" if request.param in EVALUATION else "world")
    step = found[request.param]
    step.stage.setup(Machine())
    return step.stage, {name: manifests[name] for name in step.reads}, manifests[request.param]


def test_every_step_is_held_to_the_contract(world) -> None:
    assert tuple(world[0]) == NAMES
    assert {name: type(step.stage) for name, step in world[0].items()} == STAGES


def test_no_new_row_names_a_removed_image(world, tmp_path: Path) -> None:
    _, manifests = world
    held = {name: Held.of(one.folder) for name, one in manifests.items() if not STAGES[name].rebuildable}
    image = manifests["candidates"].read(manifests["candidates"].shards[0].name).column("left_id")[0].as_py()
    removal = Removal(Folder(str(tmp_path)), pa.array([image]), held)
    rows = {}
    for name, step in held.items():
        change = removal.changes[name] = STAGES[name].change.decided(removal, name)
        parts = [part for shard in change.touched for part in change.parts(removal, step, shard)]
        assert image not in str([part.table.to_pylist() for part in parts])
        sum((part.counts for part in parts), Counts()).check(name)
        rows[name] = change.rows
    assert (rows["images"], rows["embeddings"], rows["directions"], rows["sketches"]) == (1, 1, 0, 1)
    assert rows["candidates"] > 0


def test_it_pickles_small_before_set_up(world) -> None:
    for step in steps(Config.model_validate(recipe([{"name": "a", "kind": "folder", "uri": "/a"}]))):
        assert len(pickle.dumps(step.stage)) < 4096


def test_its_settings_and_what_it_finds_outside_are_plain_json(placed) -> None:
    stage, *_ = placed
    for value in (stage.settings, stage.external_state()):
        assert json.loads(json.dumps(value)) == value


def test_it_plans_the_same_tasks_twice_and_they_are_small(placed) -> None:
    stage, reads, _ = placed
    tasks = stage.plan(reads)
    assert tasks == stage.plan(reads)
    assert len({task.name for task in tasks}) == len(tasks) > 0
    assert max(len(json.dumps(task.to_json())) for task in tasks) < 1024
    assert [type(task).from_json(task.to_json()) for task in tasks] == tasks


def test_the_same_task_gives_the_same_rows_and_they_conform(placed) -> None:
    stage, reads, made = placed
    for task in stage.plan(reads)[:2]:
        tables = [pa.concat_tables([p.table for p in stage.process(task, reads)]) for _ in range(2)]
        conformed = [stage.schema().conform(table) for table in tables]
        assert conformed[0].equals(conformed[1])
        assert conformed[0].equals(made.read(task.name).cast(conformed[0].schema))


def test_what_it_saw_is_ok_or_rejected_with_a_reason(placed) -> None:
    stage, reads, made = placed
    expected = stage.expected(reads)
    made.counts.check("here")
    assert expected is None or made.counts.seen == expected
    assert all(count > 0 for count in made.counts.rejected.values())


def test_every_column_has_its_sentence(placed) -> None:
    stage, *_ = placed
    assert all(len(sentence) > 15 for _, _, sentence in stage.schema().sentences())


def test_the_table_it_states_is_the_one_it_writes(placed) -> None:
    stage, *_ = placed
    assert stage.table() == (stage.schema().name, stage.schema().version)


def test_an_empty_batch_passes(placed) -> None:
    stage, reads, _ = placed
    if not isinstance(stage, MapStage):
        pytest.skip("a stage that plans its own tasks has no empty ones")
    empty = reads[stage.source].read(reads[stage.source].shards[0].name, stage.columns).slice(0, 0)
    assert stage.schema().conform(stage.transform(empty)).num_rows == 0
