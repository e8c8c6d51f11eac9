"""Threads: ask many questions at once, and hand each result over as soon as it is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread

from stages.models.answering.base import Question, Reply
from stages.models.answering.servers.asking import Unanswered
from stages.models.answering.servers.in_flight import Stopped

Result = Reply | Unanswered


@dataclass(frozen=True)
class AtOnce:
    """Questions that several threads ask by `ask`, each of them once.

    A thread asks its next question when who iterates has come back for more, and thus has kept the result: no more
    than `threads` results can be lost.
    """

    questions: Sequence[Question]
    ask: Callable[[Question], Reply]
    _waiting: deque[int] = field(default_factory=deque)
    _results: SimpleQueue[tuple[int, Result | BaseException, Event]] = field(default_factory=SimpleQueue)

    def results(self, threads: int) -> Iterator[tuple[int, Result]]:
        """Yield each question's place and result, in any order. Raises what `ask` raised, after the results known."""
        self._waiting.extend(range(len(self.questions)))
        taken = [Event() for _ in range(min(threads, len(self.questions)))]
        try:
            for one in taken:
                # a daemon: a request that is under way must not keep a process that ends
                Thread(target=self._work, args=(one,), name="ask", daemon=True).start()
            yield from self._each()
        finally:
            self._waiting.clear()
            for one in taken:
                one.set()

    def _each(self) -> Iterator[tuple[int, Result]]:
        for _ in self.questions:
            place, result, taken = self._results.get()
            if isinstance(result, BaseException) and not isinstance(result, Unanswered):
                yield from self._known()
                raise result
            yield place, result
            taken.set()

    def _work(self, taken: Event) -> None:
        while (place := self._next()) is not None:
            taken.clear()
            try:
                self._results.put((place, self.ask(self.questions[place]), taken))
            except Stopped:
                return
            except BaseException as error:  # noqa: BLE001 - whatever it is, who waits for it must hear of it
                self._results.put((place, error, taken))
            taken.wait()

    def _next(self) -> int | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _known(self) -> Iterator[tuple[int, Reply]]:
        """Yield the replies that are there already."""
        try:
            while True:
                place, result, _ = self._results.get_nowait()
                if isinstance(result, Reply):
                    yield place, result
        except Empty:
            return
