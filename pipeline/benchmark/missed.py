"""Missed: the questions that people answered wrongly, which are returned to their author."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.benchmark.photos import photos_of
from pipeline.run.run import Run
from stages.author.answers import Answer
from stages.author.authored import Authored, Ids
from stages.author.valid_answers import Counted, Given, counted
from stages.text import plain


@dataclass(frozen=True)
class Missed:
    """A question that people got wrong, and who got it wrong."""

    ids: Ids
    side: str
    image: str  # its name in its source
    question: str
    people: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        ids = dict(zip(("left_id", "right_id"), self.ids, strict=True))
        return {**ids, "side": self.side, "image": self.image, "question": self.question, "people": list(self.people)}

    def __str__(self) -> str:
        return plain(f'  "{self.question}" of {self.image}: {", ".join(self.people)}')


def missed(pairs: Sequence[Authored], answers: Sequence[Answer]) -> dict[Ids, tuple[str, ...]]:
    """Map each pair whose question, in its current form, was answered wrongly to the names of those who did so."""
    people = defaultdict[Ids, set[str]](set)
    for one in _wrong(counted(pairs, answers)):
        people[one.ids].add(one.person)
    return {ids: tuple(sorted(names)) for ids, names in people.items()}


def missed_questions(run: Run, pairs: Sequence[Authored], counts: Counted) -> tuple[Missed, ...]:
    """List the missed questions, those missed by most people first."""
    asked = {pair.ids: pair.question for pair in pairs}
    people = defaultdict[tuple[Ids, str], list[str]](list)
    for one in _wrong(counts):
        people[one.ids, one.side].append(one.person)
    named = _named(run, {ids[side == "right"] for ids, side in people})
    found = [
        Missed(ids, side, named[ids[side == "right"]], asked[ids], tuple(sorted(names)))
        for (ids, side), names in people.items()
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.people), one.ids, one.side)))


def _named(run: Run, image_ids: set[str]) -> dict[str, str]:
    """Return the name of each image in its source, or its id if the image no longer exists."""
    photos = photos_of(run, image_ids) if image_ids else {}
    known = {one: f"{photo.source}/{photo.key}" for one, photo in photos.items()}
    return {one: known.get(one, one) for one in image_ids}


def _wrong(counts: Counted) -> Iterator[Given]:
    return (one for one in counts.given if not one.right)
