"""Answering: the page where a second person answers the questions blind, one image at a time, in shuffled order."""

from __future__ import annotations

import threading
from typing import Any, Literal

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from pipeline.benchmark.asking import Asked, queue_for
from pipeline.benchmark.page.app import bare_app, photo_response
from pipeline.benchmark.page.gate import Pass
from pipeline.benchmark.page.live import LiveQueue
from pipeline.benchmark.page.opaque import OpaqueNames
from pipeline.benchmark.page.pages import page
from pipeline.benchmark.page.shots import bare_shot
from pipeline.benchmark.photos import Photo
from pipeline.run.run import Run
from stages.author.answers import Answer, asked
from stages.author.authored import Authored
from stages.author.store import Store, utc_now
from stages.images import ImageRefused
from stages.text import visible

Key = tuple[str, str, str]  # left_id, right_id, side


class Given(BaseModel):
    """An answer as the page sends it. `question`: the name of the question that the page was given."""

    model_config = ConfigDict(extra="forbid")
    question: str
    chosen: Literal["a", "b"]


class Examination:
    """One person's way through the questions. `again`: those this person went back to, the latest first."""

    def __init__(self, run: Run, store: Store, person: str) -> None:
        """Raises NotCommitted if the run's images are not complete."""
        self.store, self.person = store, person
        self._names = OpaqueNames(store.secret(), person)
        self._live = LiveQueue(run, store.pairs)
        self._turn = threading.Lock()
        self._given: list[Key] = []
        self._again: list[Key] = []

    def next(self) -> dict[str, Any]:
        """Return the next question and how many are answered, of how many; never the right answer or the pair."""
        with self._turn:
            return self._view()

    def answer(self, given: Given) -> bool:
        """Store an answer; return False if the question has changed since or no longer exists."""
        with self._turn:
            one = next((one for one in self._every() if self._names.question(one) == given.question), None)
            if one is None:
                return False
            self.store.answer(Answer(*_key(one), self.person, given.chosen, asked(one[0]), utc_now()))
            self._again = [key for key in self._again if key != _key(one)]
            self._given = [key for key in self._given if key != _key(one)] + [_key(one)]
            return True

    def back(self) -> None:
        """Ask the question answered last in this sitting once more."""
        with self._turn:
            if self._given:
                self._again.insert(0, self._given.pop())

    def photo(self, name: str) -> Photo | None:
        """Return the photo with this name; None if this person is not asked about any photo of that name."""
        found = next((one for one in self._every() if self._names.photo(one) == name), None)
        return found and self._live.now().photos.get(_image_id(found))

    def _pairs(self) -> list[Authored]:
        """Return the pairs whose photos are there."""
        there = self._live.now().places
        return [pair for pair in self.store.pairs() if pair.ids in there]

    def _every(self) -> list[Asked]:
        """Return everything that this person is asked, answered or not."""
        return queue_for(self._pairs(), [], self.person)

    def _view(self) -> dict[str, Any]:
        pairs, answers = self._pairs(), self.store.answers()
        every, left = (queue_for(pairs, known, self.person) for known in ([], answers))
        known = {_key(one): one for one in every}
        coming = [*(known[key] for key in self._again if key in known), *left]
        then = self._src(coming[1]) if len(coming) > 1 else None
        question = self._question(coming[0]) if coming else None
        return {"done": len(every) - len(left), "total": len(every), "question": question, "next_src": then}

    def _question(self, one: Asked) -> dict[str, Any]:
        pair, _ = one
        words = {"question": visible(pair.question), "options": [visible(pair.option_a), visible(pair.option_b)]}
        return {"id": self._names.question(one), "src": self._src(one), **words}

    def _src(self, one: Asked) -> str:
        return f"/photos/{self._names.photo(one)}"


def _key(one: Asked) -> Key:
    pair, side = one
    return pair.left_id, pair.right_id, side


def _image_id(one: Asked) -> str:
    pair, side = one
    return pair.left_id if side == "left" else pair.right_id


def _photo(examination: Examination, name: str) -> Response:
    """Return a photo, or an error that does not reveal where the image is stored."""
    if (found := examination.photo(name)) is None:
        raise HTTPException(404, "no such photo")
    try:
        return photo_response(bare_shot(found))
    except ImageRefused:
        return JSONResponse({"error": "this photo could not be read any more"}, 410)
    except OSError:
        return JSONResponse({"error": "this photo could not be read now"}, 503)


def answer_app(run: Run, examination: Examination, given: Pass) -> FastAPI:
    """Return the app of the person who answers; no route returns what authors wrote besides the question."""
    app = bare_app(given, lambda name: _photo(examination, name))

    @app.get("/", response_class=HTMLResponse)
    def start() -> str:
        values = {"title": run.folder.name, "run": run.url, "person": examination.person, "token": given.token}
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
