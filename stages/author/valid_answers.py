"""Valid answers: the answers that count, to questions as they are now, by people who did not write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stages.author.answers import Answer, asked
from stages.author.authored import BENCHMARK, Authored, Ids


@dataclass(frozen=True)
class Given:
    """One answer that counts."""

    ids: Ids
    side: str
    person: str
    chosen: str
    right: bool


@dataclass(frozen=True)
class Counted:
    """The answers that count, and how many do not: to a question that changed or is not asked, or by its author."""

    given: tuple[Given, ...]
    changed: int
    own: int


def is_asked(pair: Authored) -> bool:
    """Return whether people are asked about it: a complete question of the benchmark."""
    return pair.whole and pair.asks and pair.use == BENCHMARK


def counted(pairs: Sequence[Authored], answers: Sequence[Answer]) -> Counted:
    """Sort the answers of a store by whether they count."""
    known = {pair.ids: pair for pair in pairs if is_asked(pair)}
    current = [
        (pair, one)
        for one in answers
        if (pair := known.get((one.left_id, one.right_id))) is not None and one.asked == asked(pair)
    ]
    given = tuple(_given(pair, one) for pair, one in current if not pair.wrote(one.person))
    return Counted(given, changed=len(answers) - len(current), own=len(current) - len(given))


def _given(pair: Authored, one: Answer) -> Given:
    return Given(
        (one.left_id, one.right_id), one.side, one.person, one.chosen, right=one.chosen == pair.answer(one.side)
    )
