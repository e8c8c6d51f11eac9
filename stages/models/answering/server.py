"""Server: a model behind a server with OpenAI's chat protocol.

Questions are asked by `in_flight` threads that share the connections. A request that failed is no answer: its question
is asked again until its deadline, and then has no reply. What becomes of one question is in servers/asking.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

from manifests.evaluation_tables import FAILED
from stages.base import Machine
from stages.models.answering.base import Generation, NoReply, Question, Reply
from stages.models.answering.servers.asking import Asker, Unanswered
from stages.models.answering.servers.endpoint import address, endpoint
from stages.models.answering.servers.first_requests import FirstRequests
from stages.models.answering.servers.in_flight import InFlight
from stages.models.answering.servers.threads import AtOnce, Result
from stages.models.answering.settings import Server
from stages.models.encoders.weights import Weights
from stages.text import many, plain


@dataclass(frozen=True)
class ServerModel:
    """A model (base.AnsweringModel) behind a server."""

    asker: Asker
    computed: str

    def replies(self, questions: Sequence[Question], *, likelihood: bool) -> Iterator[tuple[int, Reply]]:
        """Yield each question's place and reply as soon as it is there, in any order.

        Raises NoReply at the end if some have none, or at once if the first `stop_after` requests all fail alike;
        Refused at once if key, URL or model are wrong, or if the server gives no likelihoods. Once the iteration has
        ended, early or not, no further request is sent.
        """
        stopped, first = Event(), FirstRequests(self.asker.settings.stop_after)
        asked = AtOnce(questions, lambda question: self.asker.ask(question, likelihood, stopped, first))
        try:
            yield from _replies(asked.results(self.asker.settings.in_flight), questions, first)
        finally:
            self.asker.in_flight.stop(stopped)


def check_server(settings: Server) -> None:
    """Raise Refused if the server's URL or key cannot be used. Nothing is sent."""
    address(settings)


def load(settings: Server, weights: Weights | None, generation: Generation, machine: Machine) -> ServerModel:
    """Return the model that the settings name; nothing is sent yet. Raises Refused as `check_server` does."""
    made = endpoint(settings)
    today = datetime.now(UTC).date().isoformat()
    asker = Asker(settings, generation, made, InFlight(settings.in_flight))
    return ServerModel(asker, f"{plain(settings.model)} at {made.place}, {today}")


def _replies(
    results: Iterable[tuple[int, Result]], questions: Sequence[Question], first: FirstRequests
) -> Iterator[tuple[int, Reply]]:
    """Yield the replies among the results. Raises NoReply at the end if a question has none.

    What failed for good is held back until a request has passed: if none does, the server or the settings are to
    blame, and nothing must be kept of it.
    """
    held: list[tuple[int, Reply]] = []
    lacking: list[tuple[str, Unanswered]] = []
    for place, result in results:
        if isinstance(result, Unanswered):
            lacking.append((questions[place].question_id, result))
            continue
        held.append((place, result))
        if result.status != FAILED or first.passed:
            yield from held
            held = []
    yield from held
    if lacking:
        count, (example, error) = many(len(lacking), "question"), lacking[-1]
        raise NoReply(f"{count}, such as {example}, got no reply: {error}")
