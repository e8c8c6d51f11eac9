"""Read: get a run's status from its plans, one listing per step, its events and its driver's file; opens no shard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from manifests.damaged_shards import damaged_by_size
from manifests.draft import Draft
from manifests.manifest import COMMIT, Manifest
from manifests.parsing import parse_json
from manifests.storage import Folder
from pipeline.reports.status.event_stats import event_stats_of, seconds_of
from pipeline.reports.status.summary import DriverStatus, RunEnd, StatusSummary, StepStatus
from pipeline.run.events.events import Event, read_events
from pipeline.run.layout import FAILURES, GALLERY, QUESTIONS, question_versions, steps_begun
from pipeline.run.lease.driver import Driver, parsed, written
from pipeline.run.lease.process import this_process
from pipeline.run.run import Run

COMMITTED, DAMAGED = "committed", "damaged"


def status_of(url: str) -> StatusSummary:
    """Return how far a run is. Raises Refused if there is none."""
    folder = Folder(url.rstrip("/"))
    driver = parsed(written(folder))
    if driver is None:
        Run.open(url)  # a run that began just now may have only its driver's file
    drives = list(read_events(folder))
    alive = None if driver is None else driver.process.alive(this_process())
    driven = driver is not None and alive is not False
    begun = steps_begun(folder)
    named = dict.fromkeys([*begun, *_asked(drives)])
    steps: list[StepStatus] = []
    for step in begun:
        in_turn = driven and all(one.state == COMMITTED for one in steps)  # a driver makes the steps one after another
        steps.append(_step(folder / step, drives, in_turn))
    waiting = (StepStatus(step, "waiting") for step in named if step not in begun)
    written_out = [_step(folder / f"{QUESTIONS}-{number}", drives, False) for number in question_versions(folder)[-1:]]
    who = None if driver is None else _who(driver, alive, drives)
    gallery = f"{folder.url}/{GALLERY}" if folder.has(GALLERY) else None
    ended = None if driven else _ended(drives)
    return StatusSummary(folder.url, (*steps, *waiting, *written_out), who, ended, gallery, _recipe(drives))


def _step(folder: Folder, drives: Sequence[Sequence[Event]], running: bool) -> StepStatus:
    if folder.has(COMMIT):
        return _committed(Manifest.stated_in(folder))
    draft = Draft.planned(folder)
    assert draft is not None  # steps_begun names only those with a plan or a commit
    missing = {str(task["name"]) for task in draft.missing()}
    there = {str(task["name"]) for task in draft.tasks} - missing
    heard = event_stats_of(folder.name, _fingerprints(draft), drives)
    failures = tuple(event for task, event in heard.failed.items() if task in missing)
    if not running and folder.has(FAILURES):  # a log can be lost; this file is stored beside the shards
        failures = _written_failures(folder) or failures
    state = "running" if running else "failed" if failures else "not finished"
    pace = heard.pace if running and drives and _last_started(drives[-1]) == folder.name else None
    unheard = _told_unheard(heard.unheard(there - settled(draft)), len(there), running)
    return StepStatus(
        folder.name,
        state,
        len(there),
        len(draft.tasks),
        heard.counts(there),
        heard.unit,
        rate=pace.rate(heard.last_at) if pace and pace.made else None,
        left_s=pace.left_s(heard.last_at) if pace else None,
        workers=pace.workers(heard.last_at) if pace else None,
        gpu_use=pace.gpu_use(heard.last_at) if pace else None,
        failures=failures,
        set_back=tuple(heard.set_back),
        note="; ".join(note for note in (growth_text(draft), unheard) if note),
    )


def _committed(manifest: Manifest) -> StepStatus:
    """Return a finished step; its shards are compared with their sizes by one listing."""
    shards, odd = len(manifest.shards), tuple(damaged_by_size(manifest))
    state, note = DAMAGED if odd else COMMITTED, growth_text(manifest)
    return StepStatus(manifest.folder.name, state, shards - len(odd), shards, manifest.counts, damaged=odd, note=note)


def _written_failures(folder: Folder) -> tuple[Mapping[str, Any], ...]:
    """Return the failures stored beside the shards; none if the file is unreadable, since the log has them too."""
    try:
        found = parse_json(folder.read(FAILURES))
        return tuple({**one, "task": str(one["task"]), "error": str(one["error"])} for one in found)
    except (ValueError, KeyError, TypeError):
        return ()


def _fingerprints(draft: Draft) -> set[str]:
    """Return its own fingerprint and those from before it grew: the shards of that time are still its own."""
    return {draft.lineage.fingerprint, *(state.fingerprint for state in draft.grown)}


def _told_unheard(unheard: int, there: int, running: bool) -> str:
    """Say how many shards the counts cover; in a bucket the events arrive some seconds after the shards."""
    why = "so far" if running else "for the others' events are missing"
    return f"counts of {there - unheard} of {there} shards, {why}" if unheard else ""


def _who(driver: Driver, alive: bool | None, drives: Sequence[Sequence[Event]]) -> DriverStatus:
    last = drives[-1][-1] if drives and drives[-1] else {}
    signs = [at for sign in (driver.renewed, last.get("time")) if (at := seconds_of(sign)) is not None]
    age_s = max(0.0, min((time.time() - at for at in signs), default=0.0))
    words = (str(last.get(name, "")) for name in ("time", "event", "step", "task"))
    process = driver.process
    return DriverStatus(
        process.host,
        process.number,
        driver.since,
        driver.renewed,
        alive,
        age_s,
        " ".join(word for word in words if word),
    )


def _asked(drives: Sequence[Sequence[Event]]) -> list[str]:
    """Return the steps the last driver set out to make."""
    started = [event for event in drives[-1] if event["event"] == "run started"] if drives else []
    said = [step for event in started for step in event.get("steps", ()) if isinstance(step, dict)]
    return [str(step.get("step")) for step in said]


def _recipe(drives: Sequence[Sequence[Event]]) -> str:
    """Return what the recipe of the last driver was called, a file or a preset; empty if no event says so."""
    named = [str(event["recipe"]) for events in drives for event in events if event.get("recipe")]
    return named[-1] if named else ""


def _last_started(events: Sequence[Event]) -> str:
    return next((str(event.get("step")) for event in reversed(events) if event["event"] == "step started"), "")


def _ended(drives: Sequence[Sequence[Event]]) -> RunEnd:
    """Return how the last driver ended, as far as its events say."""
    if not drives:
        return RunEnd("none")
    last = drives[-1][-1] if drives[-1] else {}
    if last.get("event") != "run ended":
        return RunEnd("unknown")
    return RunEnd(str(last.get("how")), str(last.get("why", "")), last.get("time"))


def growth_text(step: Manifest | Draft) -> str:
    """Return how many shards the step began with, and how many were added each time; empty if it never grew."""
    ends = [state.shards for state in step.grown]
    if not ends:
        return ""
    if isinstance(step, Draft):
        return f"grows: {ends[-1]:,} shards from before, {len(step.tasks) - ends[-1]:,} new ones"
    more = [f"{stop - start:,}" for start, stop in pairwise((*ends, len(step.shards)))]
    return f"grew: {ends[0]:,} shards, then {', then '.join(more)} more"


def settled(draft: Draft) -> set[str]:
    """Return the names of the tasks whose shards an earlier commit listed: no driver will report them again."""
    return {str(task["name"]) for task in draft.tasks[: draft.grown[-1].shards]} if draft.grown else set()
