"""Summary: what a run says of itself, step by step, for a person (`str`) and for a program (`to_json`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from manifests.counts import Counts
from stages.text import plain, plain_lines, table


@dataclass(frozen=True)
class StepSummary:
    """One step: its state, its shards, and what became of what it saw."""

    step: str
    state: str
    shards: int
    planned: int | None
    counts: Counts
    unit: str = "rows"
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "counts": self.counts.to_json()}

    def cells(self) -> tuple[str, ...]:
        shards = f"{self.shards}/{'?' if self.planned is None else self.planned}"
        why = ", ".join(f"{reason} {count:,}" for reason, count in self.counts.rejected.items())
        aside = ", ".join(f"{name} {count:,}" for name, count in list(self.counts.aside.items())[:4])
        notes = (why, aside and f"aside: {aside}", self.note)
        seen, ok = (f"{self.counts.seen:,}", f"{self.counts.ok:,}") if self.counts.seen else ("", "")
        return (self.step, self.state, shards, seen, ok, plain("; ".join(note for note in notes if note)))


@dataclass(frozen=True)
class RunSummary:
    """A run, step by step, and where to look next."""

    run: str
    steps: tuple[StepSummary, ...]
    gallery: str | None = None
    next: str = ""
    notes: tuple[str, ...] = ()  # sentences, each a line of its own, before `next`

    def to_json(self) -> dict[str, Any]:
        told = {"run": self.run, "steps": [one.to_json() for one in self.steps], "gallery": self.gallery}
        return told | ({"notes": list(self.notes)} if self.notes else {})

    def __str__(self) -> str:
        head = ("step", "state", "shards", "seen", "ok", "left out, and notes")
        lines = [self.run, *table(head, [step.cells() for step in self.steps])]
        lines += [f"gallery: {self.gallery}"] if self.gallery else []
        return plain_lines([*lines, *self.notes, *self.next.splitlines()])
