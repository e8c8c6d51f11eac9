"""RetryPolicy: a task ends once, after no more tries than it has, and is not tried again where it cannot succeed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.executors.executor import Retry
from pipeline.executors.retry_policy import MACHINES, RetryPolicy
from pipeline.executors.worker import Fault, Outcome
from stages.base import Task


def failure(task: Task, fault: Fault) -> Outcome:
    return Outcome(task.name, error="no", fault=fault)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_tasks_come_in_their_order() -> None:
    tries = RetryPolicy([Task("1"), Task("2"), Task("3")], 3)
    assert [tries.next().name for _ in range(3)] == ["1", "2", "3"]
    assert tries.next() is None


def test_a_full_disk_costs_no_attempt_while_there_is_another_machine() -> None:
    tries = RetryPolicy([Task("1")], 1)
    task = tries.next()
    assert isinstance(tries.failed(task, failure(task, Fault.MACHINE), elsewhere=True), Retry)
    assert tries.next() is task
    assert isinstance(tries.failed(task, failure(task, Fault.MACHINE), elsewhere=False), Outcome)


def test_a_store_is_asked_again_later_and_later() -> None:
    clock = Clock()
    tries = RetryPolicy([Task("1")], 4, clock)
    waits = []
    for _ in range(3):
        task = tries.next()
        tries.failed(task, failure(task, Fault.STORE), elsewhere=False)
        assert tries.next() is None
        waits.append(tries.wait_s())
        clock.now += tries.wait_s()
    assert waits == [1.0, 2.0, 4.0]
    task = tries.next()
    assert isinstance(tries.failed(task, failure(task, Fault.STORE), elsewhere=False), Outcome)


def test_machines_that_go_away_cost_no_attempt_but_not_for_ever() -> None:
    tries = RetryPolicy([Task("1")], 2)
    for number in range(MACHINES):
        task = tries.next()
        ended = tries.lost(task, "gone", "there", machine_gone=True)
        assert isinstance(ended, Outcome if number == MACHINES - 1 else Retry)


EVENTS = st.sampled_from(["good", "lost", "gone", Fault.TASK, Fault.MACHINE, Fault.STORE])


@given(st.integers(1, 6), st.integers(1, 4), st.lists(EVENTS, max_size=200), st.randoms())
def test_whatever_happens_each_task_ends_once_within_its_tries(count, attempts, events, dice) -> None:
    clock = Clock()
    tries = RetryPolicy([Task(str(number)) for number in range(count)], attempts, clock)
    begun: dict[str, int] = dict.fromkeys(map(str, range(count)), 0)
    ended: list[str] = []
    happening = iter(events)
    while len(tries):
        task = tries.next()
        if task is None:
            clock.now += tries.wait_s() or 0.1
            continue
        begun[task.name] += 1
        event = next(happening, "good")
        if event in ("lost", "gone"):
            told = tries.lost(task, "died", "there", machine_gone=event == "gone")
        else:
            told = (
                Outcome(task.name)
                if event == "good"
                else tries.failed(task, failure(task, event), elsewhere=dice.random() < 0.5)
            )
        ended += [task.name] if isinstance(told, Outcome) else []
    assert sorted(ended) == sorted(begun)
    assert all(1 <= tried <= attempts + MACHINES + events.count(Fault.MACHINE) for tried in begun.values())
