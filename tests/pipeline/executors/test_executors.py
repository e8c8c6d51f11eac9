"""Every executor: each task ends in exactly one outcome, whatever its worker does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from world.clusters import raylets
from world.odd_stages import Flaky, Odd
from world.processes import PATIENCE_S, until
from world.verbose import logs_restored

from manifests.errors import Refused, TasksFailed
from manifests.storage import Folder
from pipeline.config.settings import WorkerSettings
from pipeline.executors.executor import Executor, ResourceRequest, Retry
from pipeline.executors.local_executor import LocalExecutor
from pipeline.executors.logs import show_logs
from pipeline.executors.ray_executor import RayExecutor
from pipeline.executors.worker import Job, Outcome
from stages.base import Stage, Task


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with raylets(1, cpus=2) as cluster:
        yield cluster.address


@pytest.fixture(scope="module", params=["local", "ray"])
def made(request: pytest.FixtureRequest) -> Iterator[Callable[[], Executor]]:
    """Makes an executor of each kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.executors.cluster.CONNECT_S", PATIENCE_S)
        address = request.getfixturevalue("address") if request.param == "ray" else ""
        yield lambda: RayExecutor(address) if address else LocalExecutor()


@pytest.fixture
def executor(made: Callable[[], Executor]) -> Executor:
    return made()


class Ended:
    """What became of some tasks."""

    def __init__(
        self,
        executor: Executor,
        stage: Stage,
        folder: Path,
        names: tuple[str, ...],
        hears: Callable[[Outcome | Retry], object] = lambda one: None,
        all_of_them: bool = True,
        **workers: float,
    ) -> None:
        """`hears` is given each outcome and retry as it comes; `all_of_them`: every task ends."""
        job = Job(stage, Folder(str(folder / "shards")), {}, max_failed=1.0)
        settings = WorkerSettings.model_validate({"count": 2, **workers})
        heard: list[Outcome | Retry] = []
        with executor:
            executor.check([ResourceRequest("odd", stage, settings)])
            for one in executor.execute(job, [Task(name) for name in names], settings):
                heard.append(one)
                hears(one)
        outcomes = [one for one in heard if isinstance(one, Outcome)]
        assert sorted(one.name for one in outcomes) == sorted(names if all_of_them else {one.name for one in outcomes})
        self.outcomes = {one.name: one for one in outcomes}
        self.retries = [one for one in heard if isinstance(one, Retry)]
        self.folder = folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def tries(scratch: Path, name: str) -> int:
    return len((scratch / name).read_text().splitlines())


GOOD = tuple(f"good-{number}" for number in range(12))
ODD = ("raises-1", "dies_once-1", "dies-1", "unanswered_once-1")


@pytest.fixture(scope="module")
def mixed(made: Callable[[], Executor], tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Good tasks, and among them some that go wrong in each way."""
    scratch = tmp_path_factory.mktemp("mixed")
    return Ended(made(), Odd(scratch), scratch, (*GOOD[:2], *ODD, *GOOD[2:]))


def test_every_task_ends_once_and_its_shard_is_there(mixed: Ended) -> None:
    whole = {*GOOD, "dies_once-1", "unanswered_once-1"}
    assert {name for name, one in mixed.outcomes.items() if one.receipt and one.receipt.rows == 2} == whole
    assert sorted(Folder(str(mixed.folder / "shards")).sizes()) == sorted(f"{name}.parquet" for name in whole)
    assert not {one.task for one in mixed.retries} & {*GOOD}


def test_a_task_that_raises_fails_alone_at_once_and_says_why(mixed: Ended) -> None:
    assert mixed.outcomes["raises-1"].error == "ValueError: no luck"
    assert "odd_stages" in mixed.outcomes["raises-1"].trace
    assert tries(mixed.folder, "raises-1") == 1


def test_a_task_whose_worker_is_killed_once_is_made_by_another(mixed: Ended) -> None:
    assert tries(mixed.folder, "dies_once-1") == 2
    retries = [(one.tries, one.attempts) for one in mixed.retries if one.task == "dies_once-1"]
    assert retries == [(1, 3)]


def test_a_task_that_kills_its_worker_three_times_fails_alone_and_is_named(mixed: Ended) -> None:
    assert mixed.outcomes["dies-1"].error.startswith("its worker ")
    assert mixed.outcomes["dies-1"].error.endswith(", 3 times")
    assert tries(mixed.folder, "dies-1") == 3


def test_a_store_that_does_not_answer_is_asked_again(mixed: Ended) -> None:
    (retry,) = [one for one in mixed.retries if one.task == "unanswered_once-1"]
    assert "TimeoutError" in retry.why


def test_a_task_that_hangs_loses_its_worker_and_is_tried_again(
    executor: Executor, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung, heard = scratch / "hangs_once-1", list[Outcome | Retry]()
    # the clock moves once, when nothing is left but the task that hangs: whatever took long before was not late
    monkeypatch.setattr(executor._pool, "clock", lambda: 1.0 if heard and hung.exists() else 0.0)
    ended = Ended(executor, Odd(scratch), scratch, ("hangs_once-1", "good-1"), heard.append, timeout_s=0.1)
    assert ended.outcomes["hangs_once-1"].receipt
    assert [one.why for one in ended.retries] == ["it took longer than timeout_s 0.1"]
    assert isinstance(heard[0], Outcome)
    assert heard[0].name == "good-1"


def test_a_full_disk_with_no_other_machine_fails_at_once_and_nothing_else_is_begun(
    executor: Executor, scratch: Path
) -> None:
    ended = Ended(executor, Odd(scratch), scratch, ("full-1", "good-1"), count=1, all_of_them=False)
    assert ended.outcomes.keys() == {"full-1"}
    assert "No space left on device" in ended.outcomes["full-1"].error
    assert tries(scratch, "full-1") == 1


def test_a_worker_that_refuses_its_set_up_refuses_the_run(executor: Executor, scratch: Path) -> None:
    with pytest.raises(Refused, match="the weights are missing"):
        Ended(executor, Odd(scratch, "refuses"), scratch, ("good-1",), count=1)


def test_workers_that_die_while_they_set_up_do_not_loop_for_ever(executor: Executor, scratch: Path) -> None:
    with pytest.raises(TasksFailed, match="die while they set up"):
        Ended(executor, Odd(scratch, "dies"), scratch, ("good-1", "good-2"))


def test_a_replacement_that_cannot_set_up_does_not_take_the_other_tasks_with_it(
    executor: Executor, scratch: Path
) -> None:
    def hears(one: Outcome | Retry) -> None:
        if isinstance(one, Retry) and "cannot set up" in one.why:
            (scratch / "heard").touch()

    names = ("dies_once-1", *(f"good-{number}" for number in range(6)))
    ended = Ended(executor, Flaky(scratch), scratch, names, hears)
    assert [one.why for one in ended.retries if "cannot set up" in one.why]
    assert all(one.receipt for one in ended.outcomes.values())


def test_a_worker_stays_for_the_next_step_that_wants_the_same_of_it(executor: Executor, scratch: Path) -> None:
    settings, where = WorkerSettings(count=1), set()
    with executor:
        executor.check([ResourceRequest("odd", Odd(scratch), settings)])
        for step in ("one", "two"):
            job = Job(Odd(scratch), Folder(str(scratch / step)), {}, max_failed=1.0)
            where |= {one.where for one in executor.execute(job, [Task("good-1"), Task("good-2")], settings)}
    assert len(where) == 1


def test_workers_of_other_code_are_refused(executor: Executor, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.executors.scheduler.identity", lambda: "0.9 (code of yesterday)")
    with pytest.raises(Refused, match=r"runs blindpairs .*, this driver 0\.9 \(code of yesterday\); install the same"):
        Ended(executor, Odd(scratch), scratch, ("good-1",))


LACKING = [({"gpus": 2}, "2 GPUs"), ({"cpus": 64}, "64 cores"), ({"custom": {"tape": 1}}, "tape")]


def test_what_no_machine_has_is_refused_before_any_work(
    executor: Executor, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_wait_s", 0.0, raising=False)
    with executor:
        for workers, lacking in (
            ({"gpus": 2}, "2 GPUs"),
            ({"cpus": 64}, "64 cores"),
            ({"custom": {"tape": 1}}, "tape"),
        ):
            request = ResourceRequest("odd", Odd(scratch), WorkerSettings(**workers))
            with pytest.raises(Refused, match=f"workers of the step odd ask for .*{lacking}"):
                executor.check([request])
    assert not list(scratch.iterdir())


def test_workers_show_what_libraries_log_if_asked(
    made: Callable[[], Executor], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    job, shown = Job(Odd(tmp_path), Folder(str(tmp_path / "shards")), {}, max_failed=1.0), ""

    def is_shown() -> bool:
        nonlocal shown
        shown += "".join(capfd.readouterr())
        return "INFO odd.library: making logs-1" in shown

    with logs_restored():
        show_logs()
        with made() as executor:
            assert [one.name for one in executor.execute(job, [Task("logs-1")], WorkerSettings(count=1))] == ["logs-1"]
            until(is_shown)  # Ray brings a worker's lines to the driver a little later
