"""Unfinished: what the pairs lack that people kept and that freezing leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.author.authored import KEPT, Authored
from stages.text import many


@dataclass(frozen=True)
class Unfinished:
    """How many pairs are kept but unfinished, and how many of them lack what, most frequent first."""

    pairs: int
    lacks: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        return {"pairs": self.pairs, "lacks": dict(self.lacks)}

    def __str__(self) -> str:
        """Return it as a clause, such as `2 pairs are kept but unfinished: 2 lack option b`; empty if there is none."""
        if not self.pairs:
            return ""
        told = "; ".join(f"{count:,} {'lacks' if count == 1 else 'lack'} {what}" for what, count in self.lacks.items())
        return f"{many(self.pairs, 'pair')} {'is' if self.pairs == 1 else 'are'} kept but unfinished: {told}"


def unfinished(pairs: Sequence[Authored]) -> Unfinished:
    """Count the pairs that are kept and not whole, and what they lack."""
    found = [pair for pair in pairs if pair.decision == KEPT and not pair.whole]
    counts = Counter(what for pair in found for what in pair.lacks)
    return Unfinished(len(found), dict(counts.most_common()))
