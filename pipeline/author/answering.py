"""Answering: the page of a second person, who answers the questions one image at a time, shuffled, without knowing."""

from __future__ import annotations

import threading
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from manifests.storage import Folder
from pipeline.author.app import bare_app, photo_of
from pipeline.author.gate import Pass
from pipeline.author.live import LiveQueue
from pipeline.author.pages import page
from pipeline.author.queue import Queue
from pipeline.benchmark.asking import Asked, queue_for
from stages.author.answers import Answer, asked
from stages.author.given import is_asked
from stages.author.store import Store, utc_now


class Given(BaseModel):
    """An answer as the page sends it. `asked`: what tells that the question is the one that was shown."""

    model_config = ConfigDict(extra="forbid")
    left_id: str
    right_id: str
    side: Literal["left", "right"]
    chosen: Literal["a", "b"]
    asked: str


class Examination:
    """One person's way through the questions. `again` are those that this person went back to, the last one first."""

    def __init__(self, run: Folder, store: Store, person: str) -> None:
        """Raises NotCommitted where the run's images are not there whole."""
        self.store, self.person = store, person
        self._live = LiveQueue(run, store.pairs)
        self._turn = threading.Lock()
        self._given: list[tuple[str, str, str]] = []
        self._again: list[tuple[str, str, str]] = []

    @property
    def queue(self) -> Queue:
        """The pairs and photos as they are now."""
        return self._live.now()

    def next(self) -> dict[str, Any]:
        """What is asked now, how many were answered and how many there are; never what is right."""
        with self._turn:
            return self._view()

    def answer(self, given: Given) -> bool:
        """Keep an answer; False where the question is another by now, or none."""
        with self._turn:
            pair, key = self.store.pair(given.left_id, given.right_id), (given.left_id, given.right_id, given.side)
            if not is_asked(pair) or asked(pair) != given.asked:
                return False
            self.store.answer(Answer(*key, self.person, given.chosen, given.asked, utc_now()))
            self._again = [one for one in self._again if one != key]
            self._given = [one for one in self._given if one != key] + [key]
            return True

    def back(self) -> None:
        """Ask the last answered question of this sitting once more."""
        with self._turn:
            if self._given:
                self._again.insert(0, self._given.pop())

    def _view(self) -> dict[str, Any]:
        pairs, answers = self.store.pairs(), self.store.answers()
        there = self.queue.places
        pairs = [pair for pair in pairs if pair.ids in there]
        every = queue_for(pairs, [], self.person)
        left = queue_for(pairs, answers, self.person)
        known = {(pair.left_id, pair.right_id, side): (pair, side) for pair, side in every}
        coming = [*(known[key] for key in self._again if key in known), *left]
        then = self._src(coming[1]) if len(coming) > 1 else None
        question = self._question(coming[0]) if coming else None
        return {"done": len(every) - len(left), "total": len(every), "question": question, "next_src": then}

    def _question(self, one: Asked) -> dict[str, Any]:
        pair, side = one
        ids = {"left_id": pair.left_id, "right_id": pair.right_id, "side": side, "asked": asked(pair)}
        words = {"question": pair.question, "options": [pair.option_a, pair.option_b]}
        return {**ids, "src": self._src(one), **words}

    def _src(self, one: Asked) -> str:
        pair, side = one
        return f"/photos/{pair.left_id if side == 'left' else pair.right_id}"


def answer_app(run: Folder, examination: Examination, given: Pass) -> FastAPI:
    """The page of one who answers; it has no route that says what authors wrote beside the question."""
    app = bare_app(given, photo_of(lambda: examination.queue.photos))

    @app.get("/", response_class=HTMLResponse)
    def start() -> str:
        values = {"title": run.name, "run": run.url, "person": examination.person, "token": given.token}
        return page("answer.html.j2", **values, start=examination.next())

    @app.post("/api/answers")
    def answer(said: Given) -> Response:
        if examination.answer(said):
            return JSONResponse(examination.next())
        sentence = "the question was changed meanwhile, so this answer does not count"
        return JSONResponse({"error": sentence, "next": examination.next()}, 409)

    @app.post("/api/answers/back")
    def back() -> dict[str, Any]:
        examination.back()
        return examination.next()

    return app
