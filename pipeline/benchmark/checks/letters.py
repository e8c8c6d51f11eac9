"""Letters: whether the place of a question reveals its answer to a person who looks at no image.

Within a pair one image is (a) and the other (b); the answer may be revealed by which of them comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.benchmark.checks.finding import EVERY, found
from pipeline.findings import Finding

UNLIKELY = 0.01  # p-value for the share of (a): at most this share of fair draws is so far from half
RARE = 0.001  # p-value for an order: several lags are tested, so each must be rarer
LAGS = 8  # an order that repeats after this many pairs, or fewer, is found
FAR = 0.15  # an order that differs less than this from chance is ignored, however many pairs there are


def judge_letters(firsts: str) -> Iterator[Finding]:
    """Check the balance of `firsts`: the right letter of the first image of each pair, in order."""
    from scipy.stats import binomtest

    count = firsts.count("a")
    if not firsts or binomtest(count, len(firsts)).pvalue >= UNLIKELY:
        return
    yield found(
        "letters_unbalanced",
        EVERY,
        f"(a) is right for the first image of {count:,} of {len(firsts):,} pairs, which is far from half; leave it to "
        "freezing which image comes first, or exchange the options of some pairs",
    )


def judge_order(firsts: str) -> Iterator[Finding]:
    """Check for long runs of one letter, alternating letters, and any order that repeats."""
    repeats = [one for lag in range(1, LAGS + 1) if (one := _repeat(firsts, lag)) is not None]
    if not (telling := [one for one in repeats if one.tells]):
        return
    worst = min(telling, key=lambda one: one.rarity)
    apart = "the pair before" if worst.lag == 1 else f"the pair {worst.lag} before"
    yield found(
        "order_tells_answer",
        EVERY,
        f"the first image of a pair has the letter of {apart} it in {worst.same:,} of {worst.of:,} cases, where chance "
        f"gives {worst.chance:.0%}; shuffle the pairs, or leave the order to freezing",
    )


@dataclass(frozen=True)
class _Repeat:
    """How often a pair has the letter of the pair `lag` before it, and how rare that is by chance."""

    lag: int
    same: int
    of: int
    chance: float
    rarity: float

    @property
    def tells(self) -> bool:
        return self.rarity < RARE / LAGS and abs(self.same / self.of - self.chance) > FAR


def _repeat(firsts: str, lag: int) -> _Repeat | None:
    """Return None if there are not enough pairs. At lag 1 this counts runs, as Wald and Wolfowitz do."""
    from scipy.stats import binomtest

    if (of := len(firsts) - lag) < 1:
        return None
    same = sum(one == other for one, other in zip(firsts, firsts[lag:], strict=False))
    share = firsts.count("a") / len(firsts)
    chance = share * share + (1 - share) * (1 - share)  # unbalanced letters are a separate finding
    return _Repeat(lag, same, of, chance, float(binomtest(same, of, chance).pvalue))
