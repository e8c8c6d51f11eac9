"""The event log: readable at any moment, on a disk and in a bucket, and never a run's undoing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from world import heard
from world.processes import until
from world.runs import make, recipe
from world.store import Bucket

from manifests.storage import Folder
from pipeline.executors.executor import Retry
from pipeline.run.events import events
from pipeline.run.events.event_log import EventLogListener
from pipeline.run.events.events import EventLog, read_events
from pipeline.run.events.listener import Ending


def log(run: Folder, told: list[str] | None = None) -> EventLog:
    return EventLog(run, "host_1", (told if told is not None else []).append)


def of(run: Folder) -> list[list[str]]:
    return [[event["event"] for event in drive] for drive in read_events(run)]


def test_on_a_disk_an_event_is_there_as_it_happens(tmp_path: Path) -> None:
    run = Folder(str(tmp_path))
    written = log(run)
    written.write("run started", host="a")
    assert of(run) == [["run started"]]
    written.write("run ended", how="done")
    assert of(run) == [["run started", "run ended"]]


def test_each_driver_has_its_own_in_the_order_they_began(tmp_path: Path) -> None:
    run = Folder(str(tmp_path))
    for how in ("failed", "done"):
        log(run).write("run ended", how=how)
    assert [drive[0]["how"] for drive in read_events(run)] == ["failed", "done"]


def test_a_torn_last_line_and_what_is_no_event_are_passed_over(tmp_path: Path) -> None:
    run = Folder(str(tmp_path))
    log(run).write("run started")
    log(run).write("something of a later version", colour="blue")
    (first, _) = sorted((tmp_path / "_events").iterdir())
    with first.open("ab") as file:
        file.write(b'[1]\n"word"\n{"no":"event"}\n{"time":"2026-01-01T00:00:00Z","event":"task do')
    assert of(run) == [["run started"], ["something of a later version"]]


def test_a_run_without_events_has_none(tmp_path: Path) -> None:
    assert of(Folder(str(tmp_path / "nowhere"))) == []


def test_in_a_bucket_they_are_there_soon_and_all_at_the_end(
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "PUT_EVERY_S", 0.05)
    run = Folder(bucket.url("runs/test"))
    written = log(run)
    written.write("run started")
    until(lambda: of(run) == [["run started"]])
    written.write("run ended")
    written.close()
    assert of(run) == [["run started", "run ended"]]


def test_in_a_bucket_a_large_file_is_followed_by_another(
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "PUT_EVERY_S", 0.01)
    monkeypatch.setattr(events, "FULL_PUT_EVERY_S", 0.01)
    monkeypatch.setattr(events, "FULL", 2000)
    run = Folder(bucket.url("runs/test"))
    written = log(run)
    for number in range(100):
        written.write("task done", task=f"{number:05d}")
        if number % 25 == 0:
            until(lambda number=number: len(of(run)) and len(of(run)[0]) == number + 1)
    written.close()
    assert len((run / "_events").sizes()) > 1
    assert [event["task"] for event in next(iter(read_events(run)))] == [f"{number:05d}" for number in range(100)]


def test_a_log_that_cannot_be_written_is_said_once_and_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "_events").write_text("a file in its place")
    told: list[str] = []
    written = log(Folder(str(tmp_path)), told)
    for _ in range(3):
        written.write("task done")
    written.close()
    assert len(told) == 1
    assert "cannot be written" in told[0]


def test_a_bucket_that_takes_no_log_is_said_once_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PUT_EVERY_S", 0.01)
    told: list[str] = []
    written = log(Folder("memory://test"), told)
    monkeypatch.setattr(Folder, "write", _refusing)
    written.write("task done")
    until(lambda: told)
    written.close()
    assert len(told) == 1


def test_a_chronicle_tells_all_a_status_needs(tmp_path: Path) -> None:
    told, run = [], Folder(str(tmp_path))
    chronicle = EventLogListener(run, "mine.yaml", told.append)
    chronicle.said("for another driver")  # the run is not its own yet, so it leaves nothing
    assert of(run) == []
    chronicle.resolved([heard.resolution("images"), heard.resolution("pairs")], "on this machine: 2 cores")
    chronicle.started(heard.resolution("images"), 3, 1)
    chronicle.advanced(heard.step(), heard.done(of=heard.counts(10, empty=2), gpu_use=71.26))
    chronicle.set_back(heard.step(), Retry("b", "its worker ended", "node:2", 1, 3))
    chronicle.advanced(heard.step(), heard.failed())
    chronicle.committed(heard.step(), heard.manifest())
    chronicle.ended(Ending.FAILED, "why")
    (drive,) = read_events(run)
    assert [event.pop("event") for event in drive] == [
        *("run started", "step started", "task done", "set back", "task failed", "step committed", "run ended")
    ]
    assert all(event.pop("time").endswith("Z") for event in drive)
    assert {event.pop("run") for event in drive} == {run.name}
    began, step, task, setback, failure, _, end = drive
    assert (began["recipe"], began["where"]) == ("mine.yaml", "on this machine: 2 cores")
    assert began["steps"] == [{"step": "images", "needs": "build"}, {"step": "pairs", "needs": "build"}]
    assert (step["tasks"], step["there"], step["fingerprint"]) == (3, 1, heard.lineage().fingerprint)
    assert task == {
        "step": "images",
        "task": "a",
        "where": "node:1",
        "seconds": 2.0,
        "gpu_use": 71.3,
        "rows": 5,
        "bytes": 100,
        "seen": 10,
        "ok": 8,
        "rejected": {"empty": 2},
    }
    assert (setback["task"], setback["tries"], setback["attempts"]) == ("b", 1, 3)
    assert (failure["task"], failure["error"], failure["fault"]) == ("b", "ValueError: no luck", "task")
    assert end == {"how": "failed", "why": "why"}
    assert not told


def test_a_run_that_was_refused_before_any_work_leaves_no_events(tmp_path: Path) -> None:
    EventLogListener(Folder(str(tmp_path)), "test", [].append).ended(Ending.REFUSED, "no such source")
    assert not list(tmp_path.iterdir())


def test_the_events_of_a_real_run_add_up_to_its_commits(scenes: Path, tmp_path: Path) -> None:
    values = recipe([{"name": "scenes", "kind": "shards", "uri": f"{scenes}/*.tar"}])
    run = Folder(str(tmp_path / "test"))
    manifests = make(values, tmp_path, listener=EventLogListener(run, "test", [].append))
    (drive,) = read_events(run)
    for name, manifest in manifests.items():
        tasks = [event for event in drive if event["event"] == "task done" and event["step"] == name]
        assert {event["task"] for event in tasks} == {shard.name for shard in manifest.shards}
        assert sum(event["seen"] for event in tasks) == manifest.counts.seen
    assert drive[-1]["how"] == "done"
    assert all(json.dumps(event) for event in drive)


def _refusing(folder: Folder, name: str, data: bytes) -> None:
    raise OSError("no room")
