"""Threads: ask many questions at once, and hand each result over as soon as it is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

from stages.models.answering.base import Question, Reply
from stages.models.answering.servers.asking import Unanswered
from stages.models.answering.servers.in_flight import Stopped

Result = Reply | Unanswered


@dataclass(frozen=True)
class AtOnce:
    """Questions that several threads ask by `ask`, each of them once."""

    questions: Sequence[Question]
    ask: Callable[[Question], Reply]
    _waiting: deque[int] = field(default_factory=deque)
    _results: SimpleQueue[tuple[int, Result | BaseException]] = field(default_factory=SimpleQueue)

    def results(self, threads: int) -> Iterator[tuple[int, Result]]:
        """Yield each question's place and result, in any order. Raises what `ask` raised, after the results known."""
        self._waiting.extend(range(len(self.questions)))
        for _ in range(min(threads, len(self.questions))):
            # a daemon: a request that is under way must not keep a process that ends
            Thread(target=self._work, name="ask", daemon=True).start()
        for _ in self.questions:
            place, result = self._results.get()
            if isinstance(result, BaseException) and not isinstance(result, Unanswered):
                yield from self._known()
                raise result
            yield place, result

    def _work(self) -> None:
        while (place := self._next()) is not None:
            try:
                self._results.put((place, self.ask(self.questions[place])))
            except Stopped:
                return
            except BaseException as error:  # noqa: BLE001 - whatever it is, who waits for it must hear of it
                self._results.put((place, error))

    def _next(self) -> int | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _known(self) -> Iterator[tuple[int, Reply]]:
        """Yield the replies that are there already."""
        try:
            while True:
                place, result = self._results.get_nowait()
                if isinstance(result, Reply):
                    yield place, result
        except Empty:
            return
