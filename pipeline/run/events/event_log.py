"""Event log: puts what a run does into its event log, for `blindpairs status` and whoever reads JSON lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.executors.executor import Retry
from pipeline.executors.identity import identity
from pipeline.executors.worker import Outcome
from pipeline.run.events.events import EventLog
from pipeline.run.events.listener import Ending, Listener
from pipeline.run.lease.process import this_process
from pipeline.run.recipe import Step
from pipeline.run.resolve import Resolution

WORDS = 2000  # of an error or a reason, in characters


class EventLogListener(Listener):
    """One driver's events of one run."""

    def __init__(self, run: Folder, recipe: str, trouble: Callable[[str], None]) -> None:
        self._run, self._recipe, self._trouble = run, recipe, trouble
        self._open: EventLog | None = None
        self._began_at = time.monotonic()

    @property
    def _log(self) -> EventLog:
        """Begun at the first event: a driver that was refused the run leaves none."""
        if self._open is None:
            process = this_process()
            self._open = EventLog(self._run, f"{process.host.replace('-', '_')}_{process.number}", self._trouble)
        return self._open

    def resolved(self, resolutions: Sequence[Resolution], where: str) -> None:
        process = this_process()
        steps = [{"step": resolution.step.name, "needs": resolution.state.value} for resolution in resolutions]
        who = {"host": process.host, "process": process.number, "version": identity()}
        self._log.write("run started", **who, recipe=self._recipe, where=where, steps=steps)

    def taken(self, resolution: Resolution, manifest: Manifest) -> None:
        facts = {"unseen": resolution.unseen} if resolution.unseen else {}
        self._log.write("step taken", step=resolution.step.name, shards=len(manifest.shards), **facts)

    def started(self, resolution: Resolution, tasks: int, there: int) -> None:
        self._began_at = time.monotonic()
        facts = {"tasks": tasks, "there": there, "unit": resolution.step.stage.unit}
        changed = {"changed": [str(one) for one in resolution.changed]} if resolution.changed else {}
        self._log.write(
            "step started", step=resolution.step.name, fingerprint=resolution.lineage.fingerprint, **facts, **changed
        )

    def advanced(self, step: Step, outcome: Outcome) -> None:
        facts: dict[str, Any] = {"step": step.name, "task": outcome.name, "where": outcome.where}
        facts["seconds"] = round(outcome.seconds, 3)
        if outcome.receipt is None:
            fault = {"fault": outcome.fault.value} if outcome.fault else {}
            self._log.write("task failed", **facts, error=(outcome.error or "")[:WORDS], **fault)
            return
        receipt = outcome.receipt
        if outcome.gpu_use is not None:
            facts["gpu_use"] = round(outcome.gpu_use, 1)
        self._log.write("task done", **facts, rows=receipt.rows, bytes=receipt.bytes, **_told(receipt.counts))

    def set_back(self, step: Step, setback: Retry) -> None:
        facts = {"task": setback.task, "where": setback.where, "tries": setback.tries, "attempts": setback.attempts}
        self._log.write("set back", step=step.name, **facts, why=setback.why[:WORDS])

    def committed(self, step: Step, manifest: Manifest) -> None:
        seconds = round(time.monotonic() - self._began_at, 3)
        facts = {"shards": len(manifest.shards), "seconds": seconds}
        self._log.write("step committed", step=step.name, **facts, **_told(manifest.counts))

    def ended(self, how: Ending, why: str) -> None:
        if self._open is None and how is Ending.REFUSED:
            return  # nothing was begun: a misspelt source leaves nothing behind
        self._log.write("run ended", how=how.value, why=why[:WORDS])
        self._log.close()


def _told(counts: Counts) -> dict[str, Any]:
    """Counts as an event holds them; what was put aside only where there is some."""
    aside = {"aside": dict(counts.aside)} if counts.aside else {}
    return {"seen": counts.seen, "ok": counts.ok, "rejected": dict(counts.rejected), **aside}
