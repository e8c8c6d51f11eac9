"""Every executor: each task ends in exactly one outcome, whatever its worker does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from world.clusters import raylets
from world.odd_stages import Flaky, Odd
from world.processes import PATIENCE_S

from manifests.errors import Refused, TasksFailed
from manifests.storage import Folder
from pipeline.config import WorkerSettings
from pipeline.work.executor import Executor, Setback, Want
from pipeline.work.local_executor import LocalExecutor
from pipeline.work.ray_executor import RayExecutor
from pipeline.work.worker import Job, Outcome
from stages.base import Stage, Task


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with raylets(1, cpus=2) as cluster:
        yield cluster.address


@pytest.fixture(params=["local", "ray"])
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Executor:
    monkeypatch.setattr("pipeline.work.cluster.CONNECT_S", PATIENCE_S)
    return LocalExecutor() if request.param == "local" else RayExecutor(request.getfixturevalue("address"))


class Ended:
    """What became of some tasks."""

    def __init__(
        self,
        executor: Executor,
        stage: Stage,
        folder: Path,
        names: tuple[str, ...],
        hears: Callable[[Outcome | Setback], object] = lambda one: None,
        **workers: float,
    ) -> None:
        """`hears` is given each outcome and setback as it comes."""
        job = Job(stage, Folder(str(folder / "shards")), {}, max_failed=1.0)
        settings = WorkerSettings.model_validate({"count": 2, **workers})
        heard: list[Outcome | Setback] = []
        with executor:
            executor.check([Want("odd", stage, settings)])
            for one in executor.execute(job, [Task(name) for name in names], settings):
                heard.append(one)
                hears(one)
        outcomes = [one for one in heard if isinstance(one, Outcome)]
        assert sorted(one.name for one in outcomes) == sorted(names)
        self.outcomes = {one.name: one for one in outcomes}
        self.setbacks = [one for one in heard if isinstance(one, Setback)]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def tries(scratch: Path, name: str) -> int:
    return len((scratch / name).read_text().splitlines())


def test_every_task_ends_once_and_its_shard_is_there(executor: Executor, scratch: Path) -> None:
    names = tuple(f"good-{number}" for number in range(12))
    ended = Ended(executor, Odd(scratch), scratch, names)
    assert {one.receipt.rows for one in ended.outcomes.values()} == {2}
    assert sorted(Folder(str(scratch / "shards")).sizes()) == sorted(f"{name}.parquet" for name in names)
    assert not ended.setbacks


def test_a_task_that_raises_fails_alone_at_once_and_says_why(executor: Executor, scratch: Path) -> None:
    ended = Ended(executor, Odd(scratch), scratch, ("good-1", "raises-1", "good-2"))
    assert ended.outcomes["raises-1"].error == "ValueError: no luck"
    assert "odd_stages" in ended.outcomes["raises-1"].trace
    assert tries(scratch, "raises-1") == 1
    assert ended.outcomes["good-1"].receipt
    assert ended.outcomes["good-2"].receipt


def test_a_task_whose_worker_is_killed_once_is_made_by_another(executor: Executor, scratch: Path) -> None:
    ended = Ended(executor, Odd(scratch), scratch, ("dies_once-1", "good-1"))
    assert ended.outcomes["dies_once-1"].receipt
    assert tries(scratch, "dies_once-1") == 2
    assert [(one.task, one.tries, one.attempts) for one in ended.setbacks] == [("dies_once-1", 1, 3)]


def test_a_task_that_kills_its_worker_three_times_fails_alone_and_is_named(executor: Executor, scratch: Path) -> None:
    ended = Ended(executor, Odd(scratch), scratch, ("good-1", "dies-1", "good-2", "good-3"))
    assert ended.outcomes["dies-1"].error.startswith("its worker ")
    assert ended.outcomes["dies-1"].error.endswith(", 3 times")
    assert tries(scratch, "dies-1") == 3
    assert all(ended.outcomes[f"good-{number}"].receipt for number in (1, 2, 3))


def test_a_task_that_hangs_loses_its_worker_and_is_tried_again(
    executor: Executor, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung, heard = scratch / "hangs_once-1", list[Outcome | Setback]()
    # the clock moves once, when nothing is left but the task that hangs: whatever took long before was not late
    monkeypatch.setattr(executor._crew, "clock", lambda: 1.0 if heard and hung.exists() else 0.0)
    ended = Ended(executor, Odd(scratch), scratch, ("hangs_once-1", "good-1"), heard.append, timeout_s=0.1)
    assert ended.outcomes["hangs_once-1"].receipt
    assert [one.why for one in ended.setbacks] == ["it took longer than timeout_s 0.1"]
    assert isinstance(heard[0], Outcome)
    assert heard[0].name == "good-1"


def test_a_store_that_does_not_answer_is_asked_again(executor: Executor, scratch: Path) -> None:
    ended = Ended(executor, Odd(scratch), scratch, ("unanswered_once-1",))
    assert ended.outcomes["unanswered_once-1"].receipt
    assert "TimeoutError" in ended.setbacks[0].why


def test_a_full_disk_with_no_other_machine_fails_at_once(executor: Executor, scratch: Path) -> None:
    ended = Ended(executor, Odd(scratch), scratch, ("full-1", "good-1"))
    assert "No space left on device" in ended.outcomes["full-1"].error
    assert tries(scratch, "full-1") == 1


def test_a_worker_that_refuses_its_set_up_refuses_the_run(executor: Executor, scratch: Path) -> None:
    with pytest.raises(Refused, match="the weights are missing"):
        Ended(executor, Odd(scratch, "refuses"), scratch, ("good-1",))


def test_workers_that_die_while_they_set_up_do_not_loop_for_ever(executor: Executor, scratch: Path) -> None:
    with pytest.raises(TasksFailed, match="die while they set up"):
        Ended(executor, Odd(scratch, "dies"), scratch, ("good-1", "good-2"))


def test_a_replacement_that_cannot_set_up_does_not_take_the_other_tasks_with_it(
    executor: Executor, scratch: Path
) -> None:
    def hears(one: Outcome | Setback) -> None:
        if isinstance(one, Setback) and "cannot set up" in one.why:
            (scratch / "heard").touch()

    names = ("dies_once-1", *(f"good-{number}" for number in range(6)))
    ended = Ended(executor, Flaky(scratch), scratch, names, hears)
    assert [one.why for one in ended.setbacks if "cannot set up" in one.why]
    assert all(one.receipt for one in ended.outcomes.values())


def test_a_worker_stays_for_the_next_step_that_wants_the_same_of_it(executor: Executor, scratch: Path) -> None:
    settings, where = WorkerSettings(count=1), set()
    with executor:
        executor.check([Want("odd", Odd(scratch), settings)])
        for step in ("one", "two"):
            job = Job(Odd(scratch), Folder(str(scratch / step)), {}, max_failed=1.0)
            where |= {one.where for one in executor.execute(job, [Task("good-1"), Task("good-2")], settings)}
    assert len(where) == 1


def test_workers_of_other_code_are_refused(executor: Executor, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.work.shift.identity", lambda: "0.9 (code of yesterday)")
    with pytest.raises(Refused, match=r"runs blindpairs .*, this driver 0\.9 \(code of yesterday\); install the same"):
        Ended(executor, Odd(scratch), scratch, ("good-1",))


@pytest.mark.parametrize(
    ("workers", "lacking"),
    [({"gpus": 2}, "2 GPUs"), ({"cpus": 64}, "64 cores"), ({"custom": {"tape": 1}}, "tape")],
    ids=["gpus", "cores", "custom"],
)
def test_what_no_machine_has_is_refused_before_any_work(
    executor: Executor, scratch: Path, workers: dict, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_wait_s", 0.0, raising=False)
    with pytest.raises(Refused, match=f"workers of the step odd ask for .*{lacking}"):
        Ended(executor, Odd(scratch), scratch, ("good-1",), **workers)
    assert not list(scratch.iterdir())
