"""Judging: what one reply amounts to: the letter it chooses, by which rule, and whether that is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import Any

from manifests.evaluation_tables import FAILED, REVERSED, UNPARSED
from manifests.tables import OK
from stages.evaluate.prompts import FORMS
from stages.evaluate.reading import READERS

Row = Mapping[str, Any]
UNCHOSEN: dict[str, Any] = {"answer": None, "rule": None, "right": None, "status": OK, "error": None}
YES = "yes"


@dataclass(frozen=True)
class Judge:
    """How one model's replies are judged.

    `matching`: they are cosines; `form`: the prompt form they reply to, which matching models lack; `reader`: whose
    rules read words, None for those of the form; `verdicts`: the grader's, by (question_id, order), if it was asked.
    """

    matching: bool
    form: str
    reader: str | None
    verdicts: Mapping[tuple[str, str], Row] | None

    def judged(self, question: Row, reply: Row) -> Row:
        """Return answer, rule, right, status and error. A reply that was cut off, refused or failed is never read.

        Where a grader judged words, its verdict decides, unless a reader is named.
        """
        if reply["status"] != OK:
            return UNCHOSEN | {"status": reply["status"], "error": reply["error"]}
        if self.matching:
            return by_cosine(question, reply)
        if reply["scores"] is not None:
            return by_likelihood(question, reply)
        if self.verdicts is not None and self.reader is None:
            return by_verdict(self.verdicts.get((reply["question_id"], reply["order"])))
        return by_words(question, reply, self.form, self.reader or FORMS[self.form].reader)


def by_cosine(question: Row, reply: Row) -> Row:
    """Return the image with the largest cosine; of equal ones the last, as MMVP-VLM has it for two.

    Unparsed unless there is a finite cosine for each image of the group.
    """
    cosines: Sequence[float] = reply["scores"]
    if len(cosines) != len(question["images"]) or not all(map(isfinite, cosines)):
        return _unread("there is not a finite cosine for each image of the group")
    place = max(range(len(cosines)), key=lambda one: (cosines[one], one))
    return _chosen(place, "cosine", question["images"][place] == question["image_id"])


def by_verdict(verdict: Row | None) -> Row:
    """Return whether the grader said yes.

    A verdict that is neither yes nor no is unparsed: not right, as in MMVP's script, and counted where it is seen.
    """
    if verdict is None:
        return UNCHOSEN | {"status": FAILED, "error": "the grader was not asked about this reply"}
    if verdict["status"] == UNPARSED:
        return _unread("the grader's whole reply is neither yes nor no")
    if verdict["status"] != OK:
        return UNCHOSEN | {"status": verdict["status"], "error": f"the grader gave no verdict: {verdict['error']}"}
    return UNCHOSEN | {"rule": "grader", "right": verdict["verdict"] == YES}


def by_likelihood(question: Row, reply: Row) -> Row:
    """Return the most probable option; unparsed if two are equally probable, or not all have a probability.

    -inf is one: that of an option which is impossible.
    """
    scores: Sequence[float] = reply["scores"]
    if len(scores) != len(question["options"]) or any(map(isnan, scores)):
        return _unread("not every option has a probability")
    best = max(scores)
    if best == -inf or list(scores).count(best) > 1:
        return _unread("no option is more probable than all others")
    return _placed(list(scores).index(best), "likelihood", question, reply)


def by_words(question: Row, reply: Row, form: str, reader: str) -> Row:
    """Return what these rules read in the reply. `form`: the prompt form it replies to."""
    options = list(question["options"])[:: -1 if reply["order"] == REVERSED else 1]
    if reply["response"] is None:
        return _unread("the reply has no words")
    found = READERS[reader].read(reply["response"], options, FORMS[form].kind(question["kind"]))
    if found.place is None:
        return _unread(f"the rules of {reader} find no option in the reply")
    return _placed(found.place, str(found.rule), question, reply)


def _placed(place: int, rule: str, question: Row, reply: Row) -> Row:
    """Return the choice of the option at this place in the order asked."""
    if reply["order"] == REVERSED:
        place = len(question["options"]) - 1 - place
    return _chosen(place, rule, _letter(place) == question["answer"])


def _chosen(place: int, rule: str, right: bool) -> Row:
    return UNCHOSEN | {"answer": _letter(place), "rule": rule, "right": right}


def _unread(why: str) -> Row:
    return UNCHOSEN | {"status": UNPARSED, "error": why}


def _letter(place: int) -> str:
    return chr(ord("a") + place)
