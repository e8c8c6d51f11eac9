"""Status: how far a run is and who drives it, from its folder alone, on any machine and while it goes on."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from world import heard
from world.commands import blindpairs, demo_run, started
from world.gate import Gate
from world.processes import until

from manifests.draft import Draft
from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.executors.executor import Retry
from pipeline.reports.status.read import status_of
from pipeline.run.events import events
from pipeline.run.events.event_log import EventLogListener
from pipeline.run.events.listener import Ending
from pipeline.run.lease.driver import NAME, new_driver
from pipeline.run.lease.process import this_process

TASKS = ("a", "b", "c", "d")


@pytest.fixture(params=["disk", "bucket"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A run whose images are begun; its shards are no Parquet, so nobody can have opened one."""
    on_disk = request.param == "disk"
    folder = Folder(str(tmp_path) if on_disk else request.getfixturevalue("bucket").url("runs/test"))
    Draft.begin(folder / "images", heard.lineage(), [{"name": name} for name in TASKS])
    return folder


@pytest.fixture
def on_disk(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path))
    Draft.begin(folder / "images", heard.lineage(), [{"name": name} for name in TASKS])
    return folder


def shards(run: Folder, *names: str) -> None:
    for name in names:
        (run / "images").write(f"{name}.parquet", b"no Parquet at all")


def begun(run: Folder, there: int = 0) -> EventLogListener:
    """A driver that has begun the images, and has pairs to make after them."""
    chronicle = EventLogListener(run, "test", [].append)
    chronicle.resolved([heard.resolution("images"), heard.resolution("pairs")], "on this machine: 2 cores")
    chronicle.started(heard.resolution("images"), len(TASKS), there)
    return chronicle


def driven(run: Folder, **process: str) -> None:
    run.write(NAME, new_driver(replace(this_process(), **process)).to_bytes())


def test_a_run_that_goes_on_elsewhere_says_how_far_how_fast_and_by_whom(run: Folder) -> None:
    driven(run, host="elsewhere")
    chronicle = begun(run)
    chronicle.set_back(heard.step(), Retry("b", "its worker ended", "node:1", 1, 3))
    for task in ("a", "b"):
        chronicle.advanced(heard.step(), heard.done(task, of=heard.counts(10, empty=1)))
        shards(run, task)
    chronicle.advanced(heard.step(), heard.failed("c"))
    until(lambda: [len(one.failures) for one in status_of(run.url).steps] == [1, 0])
    answer = status_of(run.url)
    images, pairs = answer.steps
    assert (images.state, images.shards, images.planned) == ("running", 2, 4)
    assert (images.counts.seen, images.counts.lost, len(images.failures)) == (20, 2, 1)
    assert images.rate > 0
    assert images.left_s is not None
    assert [one["why"] for one in images.set_back] == ["its worker ended"]
    assert (pairs.step, pairs.state) == ("pairs", "waiting")
    assert (answer.driver.host, answer.driver.alive) == ("elsewhere", None)
    told = str(answer)
    assert f"driven by process {os.getpid()} on elsewhere since" in told
    assert "renewed its lease" in told
    assert "failed: images/c: ValueError: no luck" in told
    assert "set back: images/b: its worker ended (node:1), try 1 of 3" in told
    chronicle.ended(Ending.STOPPED, "")


def test_counts_are_those_of_all_drivers_and_of_shards_that_are_there(on_disk: Folder) -> None:
    first = begun(on_disk)
    first.advanced(heard.step(), heard.done("a"))
    first.advanced(heard.step(), heard.done("b"))
    begun(on_disk, 1).advanced(heard.step(), heard.done("c"))
    shards(on_disk, "a", "c")  # somebody removed b
    images = status_of(on_disk.url).steps[0]
    assert (images.shards, images.counts.seen, images.note) == (2, 20, "")


def test_missing_events_are_said(on_disk: Folder) -> None:
    begun(on_disk).advanced(heard.step(), heard.done("a"))
    shards(on_disk, "a", "b", "c")
    images = status_of(on_disk.url).steps[0]
    assert images.note == "counts of 1 of 3 shards, for the others' events are missing"


def test_events_of_a_step_that_was_made_otherwise_count_nothing(on_disk: Folder) -> None:
    chronicle = EventLogListener(on_disk, "test", [].append)
    other = replace(heard.resolution(), lineage=replace(heard.lineage(), settings={"other": 1}))
    chronicle.started(other, len(TASKS), 0)
    chronicle.advanced(heard.step(), heard.done("a"))
    shards(on_disk, "a")
    assert status_of(on_disk.url).steps[0].counts.seen == 0


def test_what_failed_is_no_failure_once_it_is_taken_up_again(on_disk: Folder) -> None:
    begun(on_disk).advanced(heard.step(), heard.failed("c"))
    assert status_of(on_disk.url).steps[0].state == "failed"
    begun(on_disk)
    assert status_of(on_disk.url).steps[0].failures == ()


def test_without_events_the_plan_and_the_shards_tell(on_disk: Folder) -> None:
    shards(on_disk, "a")
    answer = status_of(on_disk.url)
    assert (answer.steps[0].state, answer.steps[0].shards, answer.steps[0].planned) == ("not finished", 1, 4)
    assert "no process is running it, and there are no events" in str(answer)


class TwoHoursAhead(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.now(tz) + timedelta(hours=2)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (
            lambda one: one.ended(Ending.FAILED, "1 of 4 tasks failed"),
            "the last one ended: failed: 1 of 4 tasks failed",
        ),
        (lambda one: one.ended(Ending.DONE, ""), "the last one ended: done"),
        (lambda one: None, "the last one ended without saying how"),
    ],
)
def test_how_the_last_driver_ended_is_said(on_disk: Folder, end: Callable[[EventLogListener], None], said: str) -> None:
    end(begun(on_disk))
    assert said in str(status_of(on_disk.url))


def test_the_last_driver_is_the_last_to_hold_the_lease_whatever_clocks_say(
    on_disk: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(events, "datetime", TwoHoursAhead)
        begun(on_disk)  # and killed
    begun(on_disk).ended(Ending.DONE, "")
    begun(on_disk).ended(Ending.FAILED, "no luck")
    told = status_of(on_disk.url).to_json()["ended"]
    assert (told["how"], told["why"]) == ("failed", "no luck")
    assert told["time"].endswith("Z")


def test_no_age_is_negative(on_disk: Folder) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    on_disk.write(NAME, replace(new_driver(replace(this_process(), host="elsewhere")), renewed=soon).to_bytes())
    assert status_of(on_disk.url).driver.age_s == 0
    assert "renewed its lease 0 s ago" in str(status_of(on_disk.url))


def test_a_lease_that_was_not_renewed_for_long_is_said_to_be_a_dead_drivers(on_disk: Folder) -> None:
    old = replace(new_driver(replace(this_process(), host="elsewhere")), renewed="2020-01-01T00:00:00+00:00")
    on_disk.write(NAME, old.to_bytes())
    assert "it is probably gone" in str(status_of(on_disk.url))


def test_a_run_that_was_begun_just_now_has_a_driver_and_no_step(tmp_path: Path) -> None:
    driven(Folder(str(tmp_path)))
    assert status_of(str(tmp_path)).driver.alive is True
    (tmp_path / NAME).unlink()
    with pytest.raises(Refused, match="is not a run"):
        status_of(str(tmp_path))


def test_of_a_killed_run_it_says_so_and_what_is_there(scenes: Path, tmp_path: Path) -> None:
    gate, run = Gate(tmp_path), tmp_path / "demo"
    gate.close(f"{run}/embeddings/[!_]*.parquet", after=2)
    driver = started(*demo_run(scenes, tmp_path), gate=gate)
    until(lambda: gate.waiting() and len(list((run / "embeddings").glob("[!_]*.parquet"))) == 2)
    assert "which lives" in blindpairs("status", str(run)).stdout
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    told = blindpairs("status", str(run)).stdout
    assert f"its driver, process {driver.pid} on " in told
    assert "is gone; run the same command again" in told
    answer = status_of(str(run))
    assert answer.steps[1].counts.seen > 0
    assert [step.step for step in answer.steps] == [
        *("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")
    ]


def test_a_finished_step_with_lost_shards_is_damaged_and_the_rest_is_still_told(
    undisturbed: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(undisturbed, tmp_path / "demo"))
    gone, cut = (run / "embeddings" / f"scenes-0000{place}.parquet" for place in (2, 5))
    gone.unlink()
    size = cut.stat().st_size
    cut.write_bytes(cut.read_bytes()[:-7])
    answer = status_of(str(run))
    step = next(one for one in answer.steps if one.step == "embeddings")
    assert (step.state, step.shards, step.planned) == ("damaged", 6, 8)
    assert [one.state for one in answer.steps if one.step != "embeddings"] == ["committed"] * 6
    told = str(answer)
    assert "damaged: embeddings/scenes-00002.parquet is gone" in told
    assert f"damaged: embeddings/scenes-00005.parquet has {size - 7:,} bytes instead of {size:,}" in told
    assert "to repair: `blindpairs repair RECIPE`, with the options of its `blindpairs run`" in told
    found = next(one for one in answer.to_json()["steps"] if one["step"] == "embeddings")["damaged"]
    assert [one["name"] for one in found] == ["scenes-00002", "scenes-00005"]


def test_status_names_the_recipe_of_the_run_that_is_to_be_repaired(on_disk: Folder, undisturbed: Path) -> None:
    shutil.copytree(undisturbed / "images", Path(on_disk.url) / "images", dirs_exist_ok=True)
    begun(on_disk)
    (Path(on_disk.url) / "images/scenes-00000.parquet").unlink()
    assert "to repair: `blindpairs repair test`" in str(status_of(on_disk.url))
