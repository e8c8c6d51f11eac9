"""Judging: what one reply amounts to: the letter it chooses, by which rule, and whether that is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from manifests.evaluation_tables import FAILED, REVERSED, UNPARSED
from manifests.tables import OK
from stages.evaluate.prompts import FORMS
from stages.evaluate.reading import READERS
from stages.models.answering.settings import PromptForm

Row = Mapping[str, Any]
UNCHOSEN: dict[str, Any] = {"answer": None, "rule": None, "right": None, "status": OK, "error": None}
YES = "yes"


def by_cosine(question: Row, reply: Row) -> dict[str, Any]:
    """Return the image with the largest cosine; of equal ones the last, as MMVP-VLM has it for two."""
    cosines: Sequence[float] = reply["scores"]
    place = max(range(len(cosines)), key=lambda one: (cosines[one], one))
    return _chosen(place, "cosine", question["images"][place] == question["image_id"])


def by_verdict(verdict: Row | None) -> dict[str, Any]:
    """Return whether the grader said yes. What it left undetermined counts as wrong, as in MMVP's script."""
    if verdict is None:
        return UNCHOSEN | {"status": FAILED, "error": "the grader was not asked about this reply"}
    if verdict["status"] not in (OK, UNPARSED):
        return UNCHOSEN | {"status": verdict["status"], "error": verdict["error"]}
    rule = "grader" if verdict["verdict"] is not None else "grader_undetermined"
    return UNCHOSEN | {"rule": rule, "right": verdict["verdict"] == YES}


def by_likelihood(question: Row, reply: Row) -> dict[str, Any]:
    """Return the most probable option; unparsed if two are equally probable, or none has a probability."""
    scores: Sequence[float] = reply["scores"]
    best = max(scores, default=-inf)
    if best == -inf or list(scores).count(best) > 1:
        return _unread("no option is more probable than all others")
    return _placed(list(scores).index(best), "likelihood", question, reply)


def by_words(question: Row, reply: Row, form: PromptForm, reader: str) -> dict[str, Any]:
    """Return what these rules read in the reply. `form`: the prompt form it replies to."""
    options = list(question["options"])[:: -1 if reply["order"] == REVERSED else 1]
    found = READERS[reader].read(reply["response"] or "", options, FORMS[form].kind(question["kind"]))
    if found.place is None:
        return _unread(f"the rules of {reader} read no option in it")
    return _placed(found.place, str(found.rule), question, reply)


def _placed(place: int, rule: str, question: Row, reply: Row) -> dict[str, Any]:
    """Return the choice of the option at this place in the order asked."""
    if reply["order"] == REVERSED:
        place = len(question["options"]) - 1 - place
    return _chosen(place, rule, _letter(place) == question["answer"])


def _chosen(place: int, rule: str, right: bool) -> dict[str, Any]:
    return UNCHOSEN | {"answer": _letter(place), "rule": rule, "right": right}


def _unread(why: str) -> dict[str, Any]:
    return UNCHOSEN | {"status": UNPARSED, "error": why}


def _letter(place: int) -> str:
    return chr(ord("a") + place)
