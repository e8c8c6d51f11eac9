"""Listener: what hears of a run's progress. The runner tells one listener; Broadcast passes it on to several.

A person's view (progress.py), the event log (event_log.py) and a cluster's metrics (metrics.py) all
hear the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from manifests.errors import Refused
from manifests.manifest import Manifest
from pipeline.executors.executor import Retry
from pipeline.executors.worker import InProgress, Outcome, one_line
from pipeline.run.recipe import Step
from pipeline.run.resolve import Resolution


class Ending(StrEnum):
    """How a run ended."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    STOPPED = "stopped"  # by a person or a scheduler


class Listener:
    """Hears of everything a run does, in order, from one thread; subclasses override what interests them."""

    def said(self, text: str) -> None:
        """A message about no particular step."""

    def resolved(self, resolutions: Sequence[Resolution], where: str) -> None:
        """Before any work: what each step needs, and where it will run, in words ("" if nothing will run)."""

    def taken(self, resolution: Resolution, manifest: Manifest) -> None:
        """A step is reused."""

    def started(self, resolution: Resolution, tasks: int, there: int) -> None:
        """A step begins with `tasks` tasks, of which `there` have their shards already."""

    def in_progress(self, step: Step, so_far: InProgress, to_do: int) -> None:
        """A worker is so far with its task; `to_do`: rows of all tasks that were missing, about (0: unknown)."""

    def advanced(self, step: Step, outcome: Outcome) -> None:
        """A task has ended, well or not."""

    def set_back(self, step: Step, setback: Retry) -> None:
        """An attempt failed and will be repeated, or workers do not start."""

    def committed(self, step: Step, manifest: Manifest) -> None:
        """A step is committed."""

    def ended(self, how: Ending, why: str) -> None:
        """The run has ended; `why` is empty if all went well."""


class Broadcast(Listener):
    """Several listeners as one."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def said(self, text: str) -> None:
        for listener in self._listeners:
            listener.said(text)

    def resolved(self, resolutions: Sequence[Resolution], where: str) -> None:
        for listener in self._listeners:
            listener.resolved(resolutions, where)

    def taken(self, resolution: Resolution, manifest: Manifest) -> None:
        for listener in self._listeners:
            listener.taken(resolution, manifest)

    def started(self, resolution: Resolution, tasks: int, there: int) -> None:
        for listener in self._listeners:
            listener.started(resolution, tasks, there)

    def in_progress(self, step: Step, so_far: InProgress, to_do: int) -> None:
        for listener in self._listeners:
            listener.in_progress(step, so_far, to_do)

    def advanced(self, step: Step, outcome: Outcome) -> None:
        for listener in self._listeners:
            listener.advanced(step, outcome)

    def set_back(self, step: Step, setback: Retry) -> None:
        for listener in self._listeners:
            listener.set_back(step, setback)

    def committed(self, step: Step, manifest: Manifest) -> None:
        for listener in self._listeners:
            listener.committed(step, manifest)

    def ended(self, how: Ending, why: str) -> None:
        for listener in self._listeners:
            listener.ended(how, why)


@contextmanager
def telling_the_end(listener: Listener) -> Iterator[None]:
    """Tell the listener how the block ended, whatever ended it."""
    try:
        yield
    except BaseException as error:
        listener.ended(*_ending(error))
        raise
    listener.ended(Ending.DONE, "")


def _ending(error: BaseException) -> tuple[Ending, str]:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return Ending.STOPPED, ""
    return (Ending.REFUSED if isinstance(error, Refused) else Ending.FAILED), one_line(error)
