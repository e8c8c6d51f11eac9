"""First requests: stop when the first of them all fail in the same way, before more are sent in vain."""

from __future__ import annotations

from threading import Lock

from manifests.errors import Refused
from manifests.evaluation_tables import FAILED
from stages.models.answering.base import NoReply, Reply
from stages.models.answering.servers.failures import Transient
from stages.text import many


class FirstRequests:
    """The first `most` requests that were finished. One that was sent too early (429) says nothing and is left out."""

    def __init__(self, most: int) -> None:
        self._most, self._count, self._sentence = most, 0, ""
        self._lock = Lock()
        self.passed = False  # whether one was answered, or failed in another way

    def finish(self, outcome: Reply | Transient) -> None:
        """Count a request. Raises NoReply, or Refused for failures that stay, if the first so many all failed alike."""
        if isinstance(outcome, Transient) and outcome.throttled:
            return
        failed = isinstance(outcome, Transient) or outcome.status == FAILED
        sentence = str(outcome.error if isinstance(outcome, Reply) else outcome)
        with self._lock:
            self._count += 1
            self.passed = self.passed or not failed or (self._count > 1 and sentence != self._sentence)
            self._sentence = sentence
            if self.passed or self._count < self._most:
                return
        stopped = f"stopped after {many(self._count, 'failed request')} and none that succeeded: {sentence}"
        raise Refused(stopped) if isinstance(outcome, Reply) else NoReply(stopped)
