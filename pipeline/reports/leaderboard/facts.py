"""Facts: everything the page shows of single questions, as plain frozen data. No files, no drawing.

`gather` fills these from an evaluation's manifests, `page` turns them into HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.reports.leaderboard.compared import ImageGain, Scatter
from pipeline.reports.leaderboard.evaluation import Evaluation

RIGHT, WRONG, UNREAD, ABSENT = "right", "wrong", "unread", "absent"  # marks; absent: the model was not asked this


@dataclass(frozen=True)
class Picture:
    """One image of a group; `thumbnail` is a data URI, "" if the bytes could not be read any more."""

    number: int  # in the group, from 1
    thumbnail: str = ""


@dataclass(frozen=True)
class Said:
    """One reply: how it was judged, what it was read as, and its own words, or the cosines of a matching model."""

    mark: str
    read: str  # the letter of the option it was read as; or the status of a reply that chooses nothing
    raw: str = ""
    note: str = ""  # which rule read it; the reason why there is no answer; which order of the options


@dataclass(frozen=True)
class Asked:
    """One question of a block: its image (from 1; 0: none), the right answer, and what each model said."""

    image: int
    truth: str  # the letter of the right option; "" if there are no options
    statement: str  # what is true of this image, "" if nothing was stated
    said: Sequence[tuple[Said, ...]]  # one for each model, in the evaluation's order, with one reply per order asked


@dataclass(frozen=True)
class Block:
    """The questions of a group that have the same words, each about another image."""

    question: str  # "" if there are only statements
    options: tuple[str, ...]
    asked: Sequence[Asked]


@dataclass(frozen=True)
class Card:
    """One group of questions. `tags`: the filters that show it."""

    number: int  # of the group in the benchmark, from 1
    name: str
    category: str
    pictures: Sequence[Picture]
    blocks: Sequence[Block]
    tags: frozenset[str]
    asked: frozenset[int]  # places of the models that were asked it
    judged: int  # how many of them have a say in the tags (compared.py)
    right: int  # how many of those got all of it right


@dataclass(frozen=True, eq=False)
class Board:
    """One evaluation, ready to be drawn."""

    title: str
    version: str
    evaluation: Evaluation
    cards: Sequence[Card]  # iterated once; the first may be accessed by index before
    featured: Card | None
    filters: Sequence[tuple[str, int]]  # tag and how many of the cards have it
    scatters: Sequence[Scatter] = ()
    image_gains: Sequence[ImageGain] = ()
    settings: Sequence[tuple[str, str]] = ()
    benchmark: str = ""  # what was asked: the version of a run's questions, or the published benchmark's kind
