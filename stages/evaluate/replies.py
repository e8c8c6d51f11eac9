"""Replies: what models replied to tasks that are not finished, one small file each, so that nothing is asked twice."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from manifests.manifest import json_bytes
from manifests.parsing import parse_json
from manifests.storage import Folder
from stages.models.answering.base import AnsweringModel, Question, Reply

SEPARATOR = "-"  # in a reply's name, between what identifies the question and what identifies all that was asked


class Replies:
    """The replies kept in a folder. What identifies one is everything that was asked, and of whom."""

    def __init__(self, folder: Folder, asked_of: str) -> None:
        self._folder, self._asked_of = folder, asked_of
        self._there = set(folder.sizes())

    def find(self, question: Question) -> Reply | None:
        """Return the reply to this very question; None if there is none, or its file does not read."""
        if (name := self._name(question)) not in self._there:
            return None
        try:
            return _reply(parse_json(self._folder.read(name)))
        except (ValueError, TypeError, KeyError, FileNotFoundError):
            return None  # it is asked again

    def replies(
        self, model: AnsweringModel, asked: Sequence[Question | Reply], *, likelihood: bool = False
    ) -> list[Reply]:
        """Return a reply to each: what stands in its place, one kept earlier, or a new one, which is kept at once.

        Raises NoReply if the model has none to some of them yet; those it has are kept.
        """
        self._there = set(self._folder.sizes())  # a task that failed elsewhere may have kept some since
        found = {n: one if isinstance(one, Reply) else self.find(one) for n, one in enumerate(asked)}
        places = [n for n, reply in found.items() if reply is None]
        questions = [one for n in places if isinstance(one := asked[n], Question)]
        for place, reply in model.replies(questions, likelihood=likelihood) if questions else ():
            self.keep(questions[place], reply)
            found[places[place]] = reply
        return [reply for _, reply in sorted(found.items()) if reply is not None]

    def keep(self, question: Question, reply: Reply) -> None:
        name = self._name(question)
        self._folder.write(name, json_bytes(asdict(reply)))
        self._there.add(name)

    def _name(self, question: Question) -> str:
        image = hashlib.sha256(question.image or b"").hexdigest()
        asked = [self._asked_of, question.question_id, question.words, question.system, list(question.letters), image]
        digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]
        return f"{start_of(question.question_id)}{SEPARATOR}{digest}.json"


def _reply(value: Any) -> Reply:
    """Return the reply that a file holds. Raises TypeError, KeyError or ValueError if it holds none."""
    if not isinstance(value, dict):
        raise TypeError("a kept reply is a mapping")
    scores = value.pop("scores")
    return Reply(**value, scores=None if scores is None else tuple(scores))


def start_of(question_id: str) -> str:
    """Return how the names of all replies to a question start, before SEPARATOR: forgetting finds them by it."""
    return hashlib.sha256(question_id.encode()).hexdigest()[:16]


def drop_replies(folder: Folder) -> None:
    """Remove kept replies, once the predictions that they were kept for are committed."""
    if folder.local is not None:
        shutil.rmtree(folder.local, ignore_errors=True)
        return
    for name in folder.sizes():
        folder.forget(name)
