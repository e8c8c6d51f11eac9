"""Counts: how many things were seen, how many were ok, and why the rest were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from manifests.errors import Unbalanced
from manifests.tables import OK


@dataclass(frozen=True)
class Counts:
    """`seen = ok + sum(rejected)`. `aside` counts what was found but is no row, such as files that are not images."""

    seen: int = 0
    ok: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    aside: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.seen + other.seen,
            self.ok + other.ok,
            _sum(self.rejected, other.rejected),
            _sum(self.aside, other.aside),
        )

    @property
    def lost(self) -> int:
        return sum(self.rejected.values())

    def check(self, where: str) -> None:
        """Raise Unbalanced unless `seen = ok + rejected` and no count is negative."""
        if self.seen != self.ok + self.lost or min(self.ok, *self.rejected.values(), 0) < 0:
            raise Unbalanced(
                f"{where}: {self.seen} seen, but {self.ok} ok + {self.lost} rejected = {self.ok + self.lost}; "
                "this is a defect, please report it with the run's _plan.json"
            )

    def to_json(self) -> dict[str, Any]:
        return {"seen": self.seen, "ok": self.ok, "rejected": dict(self.rejected), "aside": dict(self.aside)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Counts:
        return Counts(value["seen"], value["ok"], value["rejected"], value["aside"])


def by_status(table: pa.Table) -> Counts:
    """Return the counts of a table that has a `status` column, with one row per image."""
    tally = Counter(table.column("status").to_pylist())
    ok = tally.pop(OK, 0)
    return Counts(table.num_rows, ok, dict(sorted(tally.items())))


def _sum(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in sorted({*left, *right})}
