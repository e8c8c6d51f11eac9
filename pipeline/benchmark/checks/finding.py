"""Finding: a fault of a benchmark, and how the questions that have it are named."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.benchmark.benchmark import Posed
from pipeline.benchmark.checks.codes import KNOWN
from pipeline.findings import Finding
from stages.text import plain

Numbered = Sequence[tuple[int, Posed]]  # pairs with their numbers in the benchmark, from 0
EVERY = "all questions"
NAMED = 3  # pairs named by a finding about many


def found(code: str, where: str, sentence: str) -> Finding:
    """Return a finding. `where`: which questions, by their Index from 1; `sentence`: what is wrong and what to do."""
    return Finding(KNOWN[code], where, sentence)


def both(number: int) -> str:
    """Name the two questions of a pair."""
    return f"questions {2 * number + 1} and {2 * number + 2}"


def of(number: int, pair: Posed) -> str:
    """Name them as `both` does, with the images' names in their source: these are how people find them on the page."""
    keys = ", ".join(side.photo.key for side in pair.sides)
    return f"{both(number)} ({plain(keys)})"


def one_of(number: int, side: int) -> str:
    """Name one question of a pair; `side` is 0 for the first image, 1 for the second."""
    return f"question {2 * number + 1 + side}"


def several(numbers: Sequence[int], of: int) -> str:
    """Name the questions of several pairs out of `of` pairs: the first few by number."""
    if len(numbers) == of:
        return EVERY
    named = "; ".join(both(number) for number in numbers[:NAMED])
    more = len(numbers) - NAMED
    return f"{named}; and those of {more:,} more pair{'s' if more > 1 else ''}" if more > 0 else named
