"""Evaluations inside a run lose all that is about forgotten images, in whole groups, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.authoring import frozen_run
from world.benchmarks import ask, rows_of
from world.committed import scratch
from world.evaluation_steps import kept_replies, prediction, question, step, whole_evaluation
from world.forgetting import traces, whole

from manifests.counts import Counts
from manifests.draft import Draft
from manifests.errors import Refused
from manifests.evaluation_tables import ASKED, PREDICTIONS
from manifests.lineage import Lineage
from manifests.manifest import Manifest, Removed
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from manifests.tables import IMAGES
from pipeline.forget.evaluations import Evaluations
from pipeline.forget.forget import forget
from pipeline.run.lease.lease import driving
from pipeline.run.removal.removable import evaluation
from pipeline.run.removal.without import without

NOTE = Removed("2026-01-01T00:00:00Z", "blindpairs forget")
STEPS = ("questions", "predictions-one", "verdicts-one", "predictions-two")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six frozen pairs with two evaluations: of the first version, and one that asks about other images."""
    run = frozen_run(tmp_path_factory.mktemp("run"), 6)
    rows = pq.read_table(run / "images").to_pylist()
    shutil.rmtree(run / "images")
    shutil.rmtree(run / "pairs")
    known = Lineage("images", "made by hand 1", "images 3", {"images": {"sources": {}}}, {}, {})
    draft = Draft.begin(Folder(str(run / "images")), known, [{"name": "all"}])
    part = Part(pa.Table.from_pylist(rows, schema=IMAGES.columns), Counts(len(rows), len(rows)))
    draft.commit({"all": write_shard(draft.folder, "all", IMAGES, [part])})
    whole_evaluation(run / "evaluation-1", ask(run / "evaluation-1", "run", run, version=1))
    asked = step(run / "evaluation-2/questions", ASKED, [[question(n, 0, [f"{n:032x}"]) for n in range(12)]], {})
    assert asked is not None
    whole_evaluation(run / "evaluation-2", asked)
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "made")


def opened(run: Path, name: str) -> Manifest:
    return Manifest.open(Folder(str(run / "evaluation-1" / name)))


def stored(run: Path, name: str, number: int = 1) -> list[dict]:
    """A step's rows, read without our code."""
    paths = sorted((run / f"evaluation-{number}" / name).glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def planned(run: Path, name: str) -> list[list[int]]:
    return [task["rows"] for task in json.loads((run / "evaluation-1" / name / "_plan.json").read_text())["tasks"]]


def asked_by(run: Path, name: str) -> list[list[str]]:
    """The questions of each of a step's tasks."""
    ids = [row["question_id"] for row in stored(run, "questions")]
    return [ids[start:stop] for start, stop in planned(run, name)]


def test_of_each_step_the_rows_of_their_groups_go_and_all_others_stay(run: Path) -> None:
    before = {name: stored(run, name) for name in STEPS}
    gone = [before["questions"][4], before["questions"][5]]
    others = [row for row in before["questions"] if row not in gone]
    tasks = {name: asked_by(run, name) for name in STEPS}
    assert {row["group"] for row in others}.isdisjoint({row["group"] for row in gone})
    summary = forget(str(run), [gone[0]["image_id"]])
    ids = [row["question_id"] for row in gone]
    for name in STEPS:
        assert stored(run, name) == [row for row in before[name] if row["question_id"] not in ids]
        assert asked_by(run, name) == [[one for one in task if one not in ids] for task in tasks[name]]
    assert "scores and leaderboard of evaluation-1 are made again" in str(summary)
    assert {step: count for step, count in summary.rows.items() if step.startswith("evaluation")} == {
        "evaluation-1/questions": 2,
        "evaluation-1/predictions-one": 4,
        "evaluation-1/verdicts-one": 4,
        "evaluation-1/predictions-two": 2,
    }
    assert kept_replies(run / "evaluation-1", before["questions"]) == [row["question_id"] for row in others]
    for name in ("answers", "scores", "leaderboard.html"):
        assert not list((run / "evaluation-1").glob(f"{name}/*"))
        assert not (run / "evaluation-1" / name).is_file()


def test_no_trace_is_left_of_the_image_and_of_what_was_asked_and_replied(run: Path) -> None:
    row = stored(run, "questions")[0]
    words = [row["image_id"], row["question_id"], row["sha256"], row["question"], row["uri"]]
    assert {one.partition(":")[0] for one in traces(run / "evaluation-1", words)} > {"leaderboard.html"}
    forget(str(run), [row["image_id"]])
    assert traces(run / "evaluation-1", words) == []


def test_what_is_left_is_an_evaluation_as_it_was_made(run: Path) -> None:
    lineages = {name: opened(run, name).lineage for name in STEPS[:3]}
    forget(str(run), [stored(run, "questions")[0]["image_id"]])
    for name, lineage in lineages.items():
        manifest = opened(run, name)
        assert manifest.lineage == lineage
        assert [(one.rows > 0, one.why) for one in manifest.removed] == [(True, NOTE.why)]
        manifest.counts.check(name)
        assert manifest.counts.seen == manifest.rows
    for name, reads in (("predictions-one", ["questions"]), ("verdicts-one", ["predictions-one", "questions"])):
        assert opened(run, name).made_of == {one: opened(run, one).content for one in reads}
    rejected = [row["status"] for row in stored(run, "predictions-one")].count("failed")
    assert opened(run, "predictions-one").counts.rejected == {"failed": rejected}
    left = opened(run, "questions")
    again = ask(run / "evaluation-1", "run", run, version=1)
    assert again.shards == left.shards, "the runner takes it as it is"
    place = {"place": 0}
    assert [row | place for row in rows_of(ask(run / "evaluation-9", "run", run, version=1))] == [
        row | place for row in rows_of(again)
    ]


def test_an_evaluation_about_other_images_keeps_every_byte(run: Path) -> None:
    before = whole(run / "evaluation-2")
    forget(str(run), [stored(run, "questions")[0]["image_id"]])
    assert whole(run / "evaluation-2") == before


def test_an_image_that_only_an_evaluation_still_asks_about(run: Path) -> None:
    gone = stored(run, "questions", 2)[3]
    summary = forget(str(run), [gone["image_id"]])
    assert summary.images == 0
    assert summary.rows == {
        "evaluation-2/questions": 1,
        "evaluation-2/predictions-one": 2,
        "evaluation-2/verdicts-one": 2,
        "evaluation-2/predictions-two": 1,
    }
    assert gone["image_id"] not in str(stored(run, "questions", 2))
    assert len(stored(run, "questions", 2)) == 11


def test_unfinished_questions_are_discarded_with_all_that_hangs_on_them(run: Path) -> None:
    (run / "evaluation-1/questions/_lineage.json").unlink()
    forget(str(run), [stored(run, "questions")[0]["image_id"]])
    left = [path for path in (run / "evaluation-1").rglob("*") if path.is_file()]
    assert [path.name for path in left if "_events" not in path.parts] == ["_failures.json"]


def test_replies_whose_names_do_not_say_of_which_question_go_too(run: Path) -> None:
    (run / "evaluation-1/_replies/two/0123456789abcdef.json").write_text("{}")
    forget(str(run), [stored(run, "questions")[0]["image_id"]])
    assert not (run / "evaluation-1/_replies/two/0123456789abcdef.json").exists()


def test_while_another_process_drives_an_evaluation_nothing_is_changed(run: Path) -> None:
    before, image = whole(run), stored(run, "questions")[0]["image_id"]
    with driving(Folder(str(run / "evaluation-2"))), pytest.raises(Refused, match=r"evaluation-2"):
        forget(str(run), [image])
    assert whole(run) == before


def test_a_changed_shard_of_an_evaluation_is_refused_before_any_change(run: Path) -> None:
    path = run / "evaluation-1/predictions-one/00001.parquet"
    path.write_bytes(path.read_bytes() + b"more")
    before = whole(run)
    with pytest.raises(Refused, match=r"predictions-one/00001\.parquet"):
        forget(str(run), [stored(run, "questions")[0]["image_id"]])
    assert whole(run) == before


def without_store(run: Path) -> dict[str, bytes]:
    """Every file but that of a database, which counts how often it was changed."""
    return {name: data for name, data in whole(run).items() if "sqlite" not in name}


def test_until_a_stopped_forget_is_finished_an_evaluation_is_not_run(run: Path, monkeypatch) -> None:
    image = stored(run, "questions")[0]["image_id"]
    with monkeypatch.context() as patch:
        dying(patch, 0)
        with pytest.raises(Killed):
            forget(str(run), [image])
    with pytest.raises(Refused, match=f"`blindpairs forget {run}` finishes it"):
        ask(run / "evaluation-2", "run", run, version=1)
    with pytest.raises(Refused, match="finishes it"):
        ask(run / "evaluation-3", "run", run, version=1)
    forget(str(run), [])
    assert ask(run / "evaluation-3", "run", run, version=1).rows == 10


class Killed(BaseException):
    """What ends a forget before one of its changes."""


def dying(monkeypatch: pytest.MonkeyPatch, changes: int) -> None:
    """From when evaluations are changed on, the change after so many raises, and every later one."""
    left, original = [changes], Evaluations.without

    def counted(change: Callable[..., None]) -> Callable[..., None]:
        def instead(path: Path, *more: object, **words: object) -> None:
            if os.path.exists(path) and "_driver.json" not in Path(path).name:
                if not left[0]:
                    raise Killed
                left[0] -= 1
            change(path, *more, **words)

        return instead

    def without_them(evaluations: Evaluations, *what: object) -> dict[str, int]:
        for name in ("replace", "unlink"):
            monkeypatch.setattr(os, name, counted(getattr(os, name)))
        return original(evaluations, *what)

    monkeypatch.setattr(Evaluations, "without", without_them)


@pytest.mark.slow
def test_killed_before_any_change_it_ends_with_the_same_bytes(run: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)
    shutil.rmtree(run / "evaluation-2")
    image = stored(run, "questions")[0]["image_id"]
    shutil.copytree(run, tmp_path / "before")
    forget(str(run), [image])
    expected, kills, killed = without_store(run), 0, True
    while killed:
        shutil.rmtree(run)
        shutil.copytree(tmp_path / "before", run)
        with monkeypatch.context() as patch:
            dying(patch, kills)
            try:
                forget(str(run), [image])
                killed = False
            except Killed:
                kills += 1
        forget(str(run), [] if (run / "_removal.json").exists() else [image])
        found = without_store(run)
        assert sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name)) == []
    assert kills > 15


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=8),
    st.sets(st.integers(0, 11)),
    st.integers(1, 4),
    st.integers(0, 1),
)
def test_groups_of_any_size_in_any_shards(groups: list[list[int]], gone: set[int], most: int, lacking: int) -> None:
    asked = [[question(n, place, [str(one) for one in group]) for place in range(max(1, len(group) - 1))]
             for n, group in enumerate(groups)]  # fmt: skip
    # nobody is asked about the last image of a group, which belongs to it all the same
    shards = [[row for group in asked[start : start + most] for row in group] for start in range(0, len(asked), most)]
    with scratch() as name:
        folder = Path(name)
        manifest = step(folder / "questions", ASKED, shards, {})
        assert manifest is not None
        replied = [[prediction("m", row) for row in shard] for shard in shards]
        step(folder / "predictions-m", PREDICTIONS, replied, {"questions": manifest}, missing=lacking)
        rows = without(Folder(name), {str(one) for one in gone}, NOTE, of=evaluation(Folder(name)))
        stay = [[row for row in shard if gone.isdisjoint(map(int, row["images"]))] for shard in shards]
        left = [pq.read_table(path).to_pylist() for path in sorted((folder / "questions").glob("*.parquet"))]
        assert left == stay
        replies = [pq.read_table(path).to_pylist() for path in sorted((folder / "predictions-m").glob("*.parquet"))]
        assert [[row["question_id"] for row in one] for one in replies] == [
            [row["question_id"] for row in one] for one in stay[: len(stay) - lacking]
        ]
        tasks = json.loads((folder / "predictions-m/_plan.json").read_text())["tasks"]
        every = [row["question_id"] for shard in stay for row in shard]
        for task, shard in zip(tasks, stay, strict=True):
            assert every[slice(*task["rows"])] == [row["question_id"] for row in shard]
        assert sum(rows.values()) == sum(map(len, shards)) - len(every) + sum(
            len(shard) - len(kept) for shard, kept in zip(shards[: len(shards) - lacking], stay, strict=False)
        )
        Manifest.open(Folder(name) / "questions")
