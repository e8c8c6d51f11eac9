"""A scheduler over machines that are made up: nobody waits for ever, and a bad machine costs no task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest
from world.odd_stages import Odd

from manifests.errors import Refused, TasksFailed
from manifests.storage import Folder
from pipeline.config.settings import WorkerSettings
from pipeline.executors.executor import Retry
from pipeline.executors.identity import identity
from pipeline.executors.scheduler import work
from pipeline.executors.serving import Answer, Hello, Prepare, Ready, SetupFailed
from pipeline.executors.worker import Fault, InProgress, Job, Outcome
from pipeline.executors.worker_pool import Lost, WorkerPool
from stages.base import Machine, Task

Does = Callable[[str, Prepare | Task], Answer | Lost]  # machine and message -> what comes of it


class Anywhere:
    machine = Machine()

    def covers(self, other: Anywhere) -> bool:
        return True


class PlayedHandle:
    def __init__(self, machine: str, does: Does) -> None:
        self.machine, self._does = machine, does
        self.due: Answer | Lost | None = Hello(f"{machine}:1", machine, identity())

    def give(self, message: Prepare | Task) -> None:
        self.due = self._does(self.machine, message)

    def heard(self) -> Answer:
        due, self.due = self.due, None
        assert due is not None
        if isinstance(due, Lost):
            raise due
        return due

    def end(self) -> None:
        self.due = None


class PlayedBackend:
    """Machines in turn; each new worker is on the first that is not to be avoided."""

    arrival_s = float("inf")

    def __init__(self, machines: Sequence[str], does: Does) -> None:
        self._machines, self._does, self.started = deque(machines), does, list[str]()

    def machines(self, resources: Anywhere) -> set[str]:
        return set(self._machines)

    def start(self, resources: Anywhere, avoid: Collection[str]) -> PlayedHandle:
        self._machines.rotate(-1)
        machine = next((one for one in self._machines if one not in avoid), self._machines[0])
        self.started.append(machine)
        return PlayedHandle(machine, self._does)

    def ready(self, handles: Sequence[PlayedHandle], timeout_s: float) -> list[PlayedHandle]:
        speaking = [handle for handle in handles if handle.due is not None]
        assert speaking or timeout_s < 60, "everybody waits for ever"
        return speaking


def test_how_far_a_task_is_costs_it_nothing_and_gives_it_no_more_time(tmp_path: Path) -> None:
    """One that always says it goes on is stopped at its deadline all the same."""
    now = iter(range(1000))

    class Endless(PlayedHandle):
        def heard(self) -> Answer | InProgress:
            if isinstance(self.due, Outcome):
                return InProgress(self.due.name, f"{self.machine}:1", 1, 1.0)
            return super().heard()

    class Backend(PlayedBackend):
        def start(self, resources: Anywhere, avoid: Collection[str]) -> PlayedHandle:
            return Endless("A", self._does)

    def does(machine: str, message: Prepare | Task) -> Answer:
        return Ready() if isinstance(message, Prepare) else Outcome(message.name)

    job = Job(Odd(tmp_path), Folder(str(tmp_path)), {}, 1.0)
    pool = WorkerPool(Backend("A", does), clock=lambda: next(now))
    heard = list(work(pool, job, [Task("a")], WorkerSettings(timeout_s=60, attempts=1), [Anywhere()]))
    assert sum(isinstance(one, InProgress) for one in heard) > 1
    (ended,) = [one for one in heard if isinstance(one, Outcome)]
    assert "it took longer than timeout_s 60" in ended.error


TEN = sorted(f"t{number}" for number in range(10))


def played(does: Does, tmp_path: Path, machines: str = "ABC", workers: int = 3, **settings) -> dict[str, Outcome]:
    """The outcomes of TEN tasks."""
    job = Job(Odd(tmp_path), Folder(str(tmp_path)), {}, 1.0)
    pool, tasks = WorkerPool(PlayedBackend(machines, does), clock=lambda: 0.0), [Task(name) for name in TEN]
    heard = list(work(pool, job, tasks, WorkerSettings.model_validate(settings), [Anywhere()] * workers))
    outcomes = [one for one in heard if not isinstance(one, Retry)]
    assert len({one.name for one in outcomes}) == len(outcomes)
    return {one.name: one for one in outcomes}


def full_disks(*machines: str, lack: Fault = Fault.DISK) -> Does:
    def does(machine: str, message: Prepare | Task) -> Answer:
        if isinstance(message, Prepare):
            return Ready()
        fault = lack if machine in machines else None
        return Outcome(message.name, error="full" if fault else None, fault=fault)

    return does


@pytest.mark.parametrize("workers", [1, 3, 6])
@pytest.mark.parametrize("attempts", [1, 3])
def test_while_one_machine_has_room_no_task_fails(tmp_path: Path, workers: int, attempts: int) -> None:
    ended = played(full_disks("A", "B"), tmp_path, workers=workers, attempts=attempts)
    assert sorted(ended) == TEN
    assert not any(one.error for one in ended.values())


@pytest.mark.parametrize("workers", [1, 2, 6])
@pytest.mark.parametrize("machines", ["A", "ABC"])
def test_where_every_disk_is_full_no_more_tasks_are_begun(tmp_path: Path, workers: int, machines: str) -> None:
    ended = played(full_disks(*machines), tmp_path, machines, workers=workers)
    assert 1 <= len(ended) <= workers
    assert all(one.error == "full" for one in ended.values())


@pytest.mark.parametrize("workers", [1, 2, 6])
def test_where_no_machine_has_memory_every_task_fails_and_nobody_waits(tmp_path: Path, workers: int) -> None:
    ended = played(full_disks(*"ABC", lack=Fault.MACHINE), tmp_path, workers=workers)
    assert sorted(ended) == TEN
    assert all(one.error == "full" for one in ended.values())


@pytest.mark.parametrize("workers", [1, 2, 6])
def test_a_machine_that_cannot_set_up_is_left_alone(tmp_path: Path, workers: int) -> None:
    def does(machine: str, message: Prepare | Task) -> Answer:
        if isinstance(message, Prepare):
            return SetupFailed("no weights", refused=True) if machine in "BC" else Ready()
        return Outcome(message.name)

    assert not any(one.error for one in played(does, tmp_path, workers=workers).values())


def test_where_no_machine_can_set_up_the_step_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no weights"):
        played(lambda machine, message: SetupFailed("no weights", refused=True), tmp_path)


def test_a_full_machine_and_one_that_cannot_set_up_leave_the_third(tmp_path: Path) -> None:
    def does(machine: str, message: Prepare | Task) -> Answer:
        if machine == "B" and isinstance(message, Prepare):
            return SetupFailed("no weights", refused=True)
        return full_disks("A")(machine, message)

    assert not any(one.error for one in played(does, tmp_path).values())


def test_workers_that_die_while_they_set_up_on_one_machine_do_not_end_the_others_work(tmp_path: Path) -> None:
    def does(machine: str, message: Prepare | Task) -> Answer | Lost:
        if isinstance(message, Prepare):
            return Lost("its worker ended with signal 11") if machine in "BC" else Ready()
        return Outcome(message.name)

    assert not any(one.error for one in played(does, tmp_path).values())


def test_where_all_die_while_they_set_up_the_step_fails(tmp_path: Path) -> None:
    with pytest.raises(TasksFailed, match="die while they set up: its worker ended with signal 11"):
        played(lambda machine, message: Lost("its worker ended with signal 11"), tmp_path)
