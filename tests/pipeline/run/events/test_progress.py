"""What a person sees of a run: lines in a log, and all steps at once on a terminal."""

from __future__ import annotations

import re
from heapq import heappop, heappush
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from world import heard

from manifests.counts import Counts
from pipeline.executors.executor import Retry
from pipeline.executors.worker import InProgress
from pipeline.run.events.listener import Ending
from pipeline.run.events.live_view import StepState, StepView, view
from pipeline.run.events.pace import Late, Pace, duration_text, pace_text
from pipeline.run.events.progress import Progress
from pipeline.run.events.rate_limited import RateLimited
from pipeline.run.resolve import State


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lines(text: str) -> list[str]:
    """Without the time each opens with."""
    found = text.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in found)
    return [line.split(" ", 1)[1] for line in found]


def in_a_log(clock: Clock) -> tuple[Progress, StringIO]:
    out = StringIO()
    progress = Progress(Console(file=out, width=200), clock)
    progress.resolved([heard.resolution("images"), heard.resolution("pairs")], "on this machine: 2 cores")
    return progress, out


def test_a_log_has_a_line_for_each_start_failure_setback_and_end(clock: Clock) -> None:
    progress, out = in_a_log(clock)
    progress.taken(heard.resolution("images", State.REUSE), heard.manifest("images", Counts(5, 4, {"empty": 1})))
    progress.started(heard.resolution("pairs"), 3, 1)
    progress.set_back(heard.step("pairs"), Retry("a", "its worker ended with signal 9", "node:1", 1, 3))
    progress.advanced(heard.step("pairs"), heard.failed())
    clock.now += 2.5
    progress.committed(heard.step("pairs"), heard.manifest("pairs"))
    assert lines(out.getvalue()) == [
        "on this machine: 2 cores",
        "images      taken as it is: 5 images seen, 4 ok, 1 rejected (empty 1)",
        "pairs       started: 3 shards, 1 of them there already",
        "pairs       a: its worker ended with signal 9 (node:1), try 1 of 3",
        "pairs       b failed: ValueError: no luck",
        "pairs       10 images seen, 10 ok; 2.5 s",
    ]


def test_a_log_has_a_line_a_minute_of_a_step_that_goes_on(clock: Clock) -> None:
    progress, out = in_a_log(clock)
    progress.started(heard.resolution(), 10, 2)
    for task in ("a", "b"):
        clock.now += 40
        progress.advanced(heard.step(), heard.done(task, seconds=40.0, of=heard.counts(400, empty=5), gpu_use=80.0))
        progress.tick()
    clock.now += 70  # in which no task ended
    progress.tick()
    assert lines(out.getvalue())[2:] == [
        "images      4 of 10 shards, 10 images/s, 4 min 00 s left, 1 worker, GPUs 80 % busy, 10 rejected",
        "images      4 of 10 shards, 10 images/s, 3 min 20 s left, 1 worker, GPUs 80 % busy, 10 rejected",
    ]


def test_a_log_has_a_rate_and_the_time_left_before_the_first_task_has_ended(clock: Clock) -> None:
    progress, out = in_a_log(clock)
    progress.started(heard.resolution(), 10, 0)
    progress.in_progress(heard.step(), InProgress("a", "node:1", 100, 20.0), 10_000)
    clock.now += 60
    progress.in_progress(heard.step(), InProgress("a", "node:1", 1000, 50.0), 10_000)
    progress.in_progress(heard.step(), InProgress("b", "node:2", 600, 30.0), 10_000)
    progress.tick()
    clock.now += 60
    progress.set_back(heard.step(), Retry("b", "its worker ended with signal 9", "node:2", 1, 3))
    progress.tick()
    progress.advanced(heard.step(), heard.done("a", seconds=100.0, of=heard.counts(1500)))
    progress.in_progress(heard.step(), InProgress("c", "node:1", 9, 1.0), 10_000)
    clock.now += 60
    progress.tick()
    assert lines(out.getvalue())[2:] == [
        "images      0 of 10 shards, 40 images/s, 3 min 30 s left, 2 workers",
        "images      b: its worker ended with signal 9 (node:2), try 1 of 3",
        "images      0 of 10 shards, 20 images/s, 7 min 30 s left, 1 worker",
        "images      1 of 10 shards, 15 images/s, 14 min 00 s left, 1 worker",
    ]


def test_without_the_number_of_rows_there_is_a_rate_and_no_time_left() -> None:
    pace = Pace(10, 0, began=0.0)
    assert pace_text(pace, "images", 1.0) == ""
    pace.went_on("node:1", 100, 5.0, to_do=0)
    assert pace_text(pace, "images", 5.0) == "20 images/s, 1 worker"


def test_a_machine_that_dies_with_many_tasks_takes_few_lines(clock: Clock) -> None:
    progress, out = in_a_log(clock)
    progress.started(heard.resolution(), 100, 0)
    for number in range(50):
        progress.set_back(heard.step(), Retry(f"{number:02}", "its machine is gone", f"node7:{number}", 1, 10))
    progress.set_back(heard.step(), Retry("60", "its worker ended", "node8:1", 1, 3))
    said = lines(out.getvalue())[2:]
    assert said == [
        *(f"images      {number:02}: its machine is gone (node7:{number}), try 1 of 10" for number in range(3)),
        "images      60: its worker ended (node8:1), try 1 of 3",
    ]
    progress.ended(Ending.DONE, "")
    assert lines(out.getvalue())[-1] == (
        "images      set back on node7: 47 more, the last: images      49: its machine is gone (node7:49), try 1 of 10"
    )


def test_what_was_held_back_is_said_a_minute_later(clock: Clock) -> None:
    few = RateLimited(clock)
    assert [few.say("failed", str(number)) for number in range(5)] == [["0"], ["1"], ["2"], [], []]
    assert few.waited() == []
    clock.now += 61
    assert few.waited() == ["failed: 2 more, the last: 4"]
    assert few.say("failed", "5") == ["5"]


def test_a_terminal_shows_all_steps_at_once() -> None:
    pace = Pace(10, 2, began=0.0)
    for number in range(3):
        pace.done(Late(at=30.0 + number, where=f"node:{number % 2}", gpu_use=50.0 + number), 4.0, 100, 1)
    pace.lost(Late(33.0, "node:0", None), 4.0)
    sights = [
        StepView("images", "images", StepState.DONE, Pace(8, 8, 0.0), "800 images; 3.1 s"),
        StepView("embeddings", "images", StepState.RUNNING, pace),
        StepView("pairs", "candidates"),
    ]
    console = Console(file=StringIO(), width=140, force_terminal=True, color_system=None)
    console.print(view(sights, now=40.0))
    shown = [line.split() for line in console.file.getvalue().splitlines()]
    assert shown[0][:2] == ["images", "done"]
    assert shown[0][3:] == ["8/8", "shards", "800", "images;", "3.1", "s"]
    assert shown[1][:2] == ["embeddings", "running"]
    told = "5/10 shards 38 images/s, 4 s left, 2 workers, GPUs 51 % busy, 3 rejected, 1 failed"
    assert " ".join(shown[1][3:]) == told
    assert shown[2] == ["pairs", "waiting"]


def test_a_run_that_is_stopped_leaves_how_far_it_came_on_the_terminal(clock: Clock) -> None:
    out = StringIO()
    progress = Progress(Console(file=out, width=100, force_terminal=True), clock)
    with progress:
        progress.resolved([heard.resolution("images"), heard.resolution("pairs")], "")
        progress.started(heard.resolution("images"), 3, 1)
        progress.ended(Ending.STOPPED, "")
        progress.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "stopped" in plain
    assert "1/3 shards" in plain


def test_shards_that_were_there_say_nothing_of_the_time_left() -> None:
    pace = Pace(100, 90, began=0.0)
    assert pace.left_s(50.0) is None
    pace.done(Late(60.0, "node:1", None), 60.0, 10, 0)
    assert pace.left_s(60.0) == 9 * 60.0


@given(
    workers=st.integers(1, 6),
    each=st.lists(st.floats(30.0, 36.0), min_size=20, max_size=60),
    setup_s=st.floats(0, 60),
    moments=st.lists(st.floats(0, 1), min_size=1, max_size=8),
)
def test_the_time_left_is_true_within_a_factor_of_one_and_a_half(
    workers: int, each: list[float], setup_s: float, moments: list[float]
) -> None:
    """Each worker takes the next task as it ends one; judged once each has ended one, until the last 150 s."""
    free, ends = [(setup_s, worker) for worker in range(workers)], list[tuple[float, int, float]]()
    for seconds in each:
        at, worker = heappop(free)
        ends.append((at + seconds, worker, seconds))
        heappush(free, (at + seconds, worker))
    over, ends = max(free)[0], sorted(ends)
    first, last = ends[workers - 1][0] + 36.0, over - 150.0
    for share in moments if last > first else ():
        now = first + share * (last - first)
        pace = Pace(len(each), 0, began=0.0)
        for at, worker, seconds in (end for end in ends if end[0] <= now):
            pace.done(Late(at, f"node:{worker}", None), seconds, 10, 0)
        assert 1 / 1.5 < pace.left_s(now) / (over - now) < 1.5


def test_workers_that_have_long_been_silent_are_not_counted() -> None:
    pace = Pace(100, 0, began=0.0)
    for number in range(4):
        pace.done(Late(10.0, f"gone:{number}", None), 2.0, 1, 0)
    pace.done(Late(100.0, "node:1", None), 2.0, 1, 0)
    assert pace.workers(100.0) == 1
    assert pace.gpu_use(100.0) is None
    assert pace_text(pace, "images", 100.0).endswith("1 worker")


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (3725, "1 h 02 min")])
def test_a_time_is_said_as_a_person_would(seconds: float, said: str) -> None:
    assert duration_text(seconds) == said
