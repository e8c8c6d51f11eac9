"""Summary: the output of `blindpairs plan`, for a person (`str`) and for a program (`to_json`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.run.summary import RunSummary, StepSummary


class Printable(Protocol):
    """Something that can be printed for a person (`str`) and for a program (`to_json`)."""

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class PlanSummary:
    """What a run would do, step by step, and what embedding and search will take, as far as known."""

    run: str
    steps: tuple[StepSummary, ...]
    search: Printable | None = None
    embedding: Printable | None = None

    def to_json(self) -> dict[str, Any]:
        told = {"embedding": self.embedding, "search": self.search}
        known = {name: one.to_json() for name, one in told.items() if one is not None}
        return {"run": self.run, "steps": [one.to_json() for one in self.steps], **known}

    def __str__(self) -> str:
        lines = [str(RunSummary(self.run, self.steps))] if self.steps else []
        lines += [str(one) for one in (self.embedding, self.search) if one is not None]
        start = "`blindpairs run` with the same words does it" if self.steps else "no source and no hub was asked"
        return "\n".join([*lines, f"nothing was started; {start}"])
