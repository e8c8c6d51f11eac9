"""Asking: one question put to a server until it is answered, with pauses, as long as the settings allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from threading import Event
from typing import Any

from manifests.errors import Refused
from manifests.evaluation_tables import FAILED
from stages.images import ImageRefused
from stages.models.answering.base import Generation, Question, Reply
from stages.models.answering.servers.clock import Clock
from stages.models.answering.servers.completion import NO_LIKELIHOOD, completion_of
from stages.models.answering.servers.endpoint import Endpoint
from stages.models.answering.servers.failures import Transient
from stages.models.answering.servers.first_requests import FirstRequests
from stages.models.answering.servers.in_flight import InFlight
from stages.models.answering.servers.request import request_body
from stages.models.answering.settings import Server

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SETTLED = 3  # a reply without words is accepted once it has come this often


class Unanswered(Exception):
    """A question got no reply in time; the text is the last failure."""


@dataclass(frozen=True)
class Asker:
    """Puts questions to one server; many threads may share it, and `in_flight` bounds the requests of all."""

    settings: Server
    generation: Generation
    endpoint: Endpoint
    in_flight: InFlight
    clock: Clock = field(default_factory=Clock)

    def ask(self, question: Question, likelihood: bool, stopped: Event, first: FirstRequests) -> Reply:
        """Return the reply. `first` counts each request; `stopped` is set when no question would be answered.

        Raises Unanswered if there is none within deadline_s of the first request; Stopped once `stopped` is set;
        Refused or NoReply if no question would be answered.
        """
        try:
            body = request_body(self.settings, self.generation, question, likelihood=likelihood)
        except ImageRefused as error:
            return Reply(None, FAILED, error=error.sentence)
        return self._retried(lambda seconds: self._reply(body, question, likelihood, seconds), stopped, first)

    def _retried(self, send: Callable[[float], Reply], stopped: Event, first: FirstRequests) -> Reply:
        deadline, tries, outcome = inf, 0, None
        while True:
            with self.in_flight.slot(stopped) as halvings:
                deadline = min(deadline, self.clock.now() + self.settings.deadline_s)  # from the first request
                outcome = self._sent(send, deadline, halvings)
                first.finish(outcome)
            tries += 1
            if isinstance(outcome, Reply):
                return outcome
            if outcome.settled is not None and tries == SETTLED:
                return outcome.settled
            self._pause(outcome, tries, deadline, stopped)

    def _sent(self, send: Callable[[float], Reply], deadline: float, halvings: int) -> Reply | Transient:
        """Send once, and have the server's answer decide how many requests may be under way."""
        began = self.clock.now()
        try:
            reply = send(max(0.001, min(self.settings.timeout_s, deadline - began)))
        except Transient as error:
            if error.throttled:
                self.in_flight.halve(halvings)
            return error
        self.in_flight.succeed()
        return replace(reply, seconds=self.clock.now() - began)

    def _reply(self, body: Mapping[str, Any], question: Question, likelihood: bool, seconds: float) -> Reply:
        posted = self.endpoint.post(body, seconds, self.clock.now)
        if isinstance(posted, Reply):
            if likelihood and posted.status == FAILED and "logprob" in (posted.error or "").lower():
                raise Refused(f"{posted.error}; {NO_LIKELIHOOD}")
            return posted
        unwrapped = self.settings.structured == "json_schema"
        try:
            return completion_of(posted).reply(question, likelihood=likelihood, unwrapped=unwrapped)
        except Transient as error:
            raise Transient(self.endpoint.sentence(str(error)), settled=error.settled) from error

    def _pause(self, failure: Transient, tries: int, deadline: float, stopped: Event) -> None:
        """Wait before the next try: exponential back-off with full jitter, or longer where the server says so.

        Source: AWS Architecture Blog, "Exponential Backoff And Jitter". Raises Unanswered if the deadline would pass.
        """
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(tries - 1, 10))
        seconds = max(failure.after_s or 0.0, longest * self.clock.chance())
        if self.clock.now() + seconds >= deadline:
            raise Unanswered(str(failure))
        self.clock.wait(stopped, seconds)
