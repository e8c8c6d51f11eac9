"""Models behind a server, as evaluations ask them, and a clock by which retries wait without anybody waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stages.base import Machine
from stages.models.answering.base import Generation, Question, Reply
from stages.models.answering.server import ServerModel, load
from stages.models.answering.servers.clock import Clock
from stages.models.answering.settings import Server

KEY = "sk-very-secret-0123456789"


@dataclass
class FakeTime:
    """Time that goes on by what is waited, and by nothing else. `chance`: what is drawn, from 0 to 1."""

    chance: float = 1.0
    waited: list[float] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def clock(self) -> Clock:
        return Clock(lambda: sum(self.waited), self._wait, lambda: self.chance)

    def _wait(self, stopped: threading.Event, seconds: float) -> None:
        with self._turn:
            self.waited.append(seconds)


def server_model(url: str, *, time: FakeTime | None = None, **settings: Any) -> ServerModel:
    """A model that is asked one question at a time unless told otherwise, and whose pauses take no time."""
    chosen = {"in_flight": 1, "stop_after": 1000, **settings}
    generation = Generation(chosen.pop("most", 64), chosen.pop("temperature", 0.0), chosen.pop("seed", 0))
    made = load(Server(kind="openai", url=url, **{"model": "made-up", **chosen}), None, generation, Machine())
    return replace(made, asker=replace(made.asker, clock=(time or FakeTime()).clock()))


def questions(count: int, **more: Any) -> list[Question]:
    """Questions without an image, each with words of its own: `Question 3: A or B?`."""
    return [
        Question(**{"question_id": f"q{n}", "words": f"Question {n}: A or B?", "image": None, **LETTERS, **more})
        for n in range(count)
    ]


LETTERS = {"letters": ("A", "B"), "right": "A"}


@dataclass
class Asked:
    """What came of asking: a reply by place, and the error that ended it."""

    replies: dict[int, Reply] = field(default_factory=dict)
    error: Exception | None = None

    @property
    def why(self) -> str:
        return str(self.error)


def asked(model: ServerModel, what: Sequence[Question], *, likelihood: bool = False) -> Asked:
    """Ask until the end, with whatever error there is; no place comes twice."""
    found = Asked()
    try:
        for place, reply in _once_each(model.replies(what, likelihood=likelihood)):
            found.replies[place] = reply
    except Exception as error:  # noqa: BLE001 - the test looks at it
        found.error = error
    return found


def reply_of(model: ServerModel, question: Question | None = None, *, likelihood: bool = False) -> Reply:
    """The reply to one question, `questions(1)` unless told. Raises what asking raises."""
    ((_, reply),) = model.replies([question or questions(1)[0]], likelihood=likelihood)
    return reply


def _once_each(replies: Iterator[tuple[int, Reply]]) -> Iterator[tuple[int, Reply]]:
    seen = set[int]()
    for place, reply in replies:
        assert place not in seen
        seen.add(place)
        yield place, reply
