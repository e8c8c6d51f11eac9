"""Leaks: whether an image's file reveals the answer to a person who does not look at it: its size, format or name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.benchmark.benchmark import Posed, Side
from pipeline.benchmark.checks.finding import EVERY, Numbered, found, several
from pipeline.findings import Finding

RARE = 0.001  # p-value below which a result is not taken for chance
BIG = 0.7  # probability of a right guess that is worth a finding; half is chance


def judge_files(pairs: Numbered) -> Iterator[Finding]:
    """Check bytes, pixels and format, over all questions with an answer."""
    sides = [side for _, pair in pairs for side in pair.sides]
    yield from _size(sides, "bytes", [side.photo.length for side in sides])
    yield from _size(sides, "pixels", [side.photo.width * side.photo.height for side in sides])
    yield from _format(sides)


def judge_names(pairs: Numbered) -> Iterator[Finding]:
    """Check for names that hold the words of the right option and not those of the other."""
    telling = [(number, pair) for number, pair in pairs if _name_tells(pair)]
    if 2 * len(telling) <= len(pairs):
        return
    side = next(side for side in telling[0][1].sides if _tells(telling[0][1], side) > 0)
    sentence = (
        f"names of {len(telling):,} of {len(pairs):,} pairs hold the right answer, such as {side.photo.key!r}; our "
        "forms number the images, so take care only where you pass the names on"
    )
    yield found("names_tell_answer", several([number for number, _ in telling], len(pairs)), sentence)


def _size(sides: Sequence[Side], what: str, values: Sequence[int]) -> Iterator[Finding]:
    """Apply the Mann-Whitney rank test; its effect size is how often an (a) is larger than a (b), ties as half."""
    from scipy.stats import mannwhitneyu

    of_a, of_b = (
        [value for side, value in zip(sides, values, strict=True) if side.answer == letter] for letter in "ab"
    )
    if not of_a or not of_b or len({*values}) == 1:
        return
    tested = mannwhitneyu(of_a, of_b, method="asymptotic")
    larger = float(tested.statistic) / (len(of_a) * len(of_b))
    if tested.pvalue >= RARE or 1 - BIG <= larger <= BIG:
        return
    letter, share = ("a", larger) if larger > 0.5 else ("b", 1 - larger)
    sentence = (
        f"the image for which ({letter}) is right has more {what} in {share:.0%} of all comparisons with the others; "
        f"exchange the options of some pairs, or write the images alike"
    )
    yield found("size_tells_answer", EVERY, sentence)


def _format(sides: Sequence[Side]) -> Iterator[Finding]:
    """Apply the chi-square test to formats by letter; its effect size is the share of right guesses by format."""
    from scipy.stats import chi2_contingency

    tally = Counter((side.photo.format, side.answer) for side in sides)
    formats = sorted({form for form, _ in tally})
    table = np.array([[tally[form, letter] for letter in "ab"] for form in formats])
    if len(formats) < 2 or not table.sum(axis=0).all():
        return
    right = float(table.max(axis=1).sum() / table.sum())
    if chi2_contingency(table).pvalue >= RARE or right <= BIG:
        return
    told = ", ".join(f"{form} {of_a:,} (a) and {of_b:,} (b)" for form, (of_a, of_b) in zip(formats, table, strict=True))
    sentence = f"who knows an image's format guesses {right:.0%} of the answers: {told}; exchange some pairs' options"
    yield found("format_tells_answer", EVERY, sentence)


def _name_tells(pair: Posed) -> bool:
    """Whether one name reveals the answer, and the other does not suggest the opposite."""
    told = [_tells(pair, side) for side in pair.sides]
    return max(told) > 0 and min(told) >= 0


def _tells(pair: Posed, side: Side) -> int:
    """Return 1 if the name holds only the right option, -1 if it holds only the wrong one, else 0."""
    option_a, option_b = pair.options or ("", "")
    said = int(_holds(side.photo.key, option_a)) - int(_holds(side.photo.key, option_b))
    return said if side.answer == "a" else -said


def _holds(name: str, option: str) -> bool:
    """Whether each word of the option is a word of the name."""
    words = _words(option)
    return bool(words) and words <= _words(name)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+|\d+", text.casefold()))
