"""Import summary: what `import` read, and what to do with it next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stages.text import many, plain_lines


@dataclass(frozen=True)
class ImportSummary:
    """A published benchmark that is now a run. Its images were not copied: `at` is where they are stored."""

    run: str
    form: str
    pairs: int
    asking: int
    stating: int
    version: int  # version of the questions
    at: str
    note: str
    embed: str  # the command that makes the run's other steps

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        what = f"{many(self.pairs, 'pair')} ({self.asking:,} ask, {self.stating:,} state)"
        lines = [
            f"{self.run}: {what} of {self.form}, frozen as questions-{self.version}",
            *([self.note] if self.note else []),
            f"its images are read where they lie, so keep {self.at}",
            f"next: blindpairs export {self.run} --format FORMAT; their vectors: {self.embed}",
        ]
        return plain_lines(lines)


@dataclass(frozen=True)
class ReturnedSummary:
    """What the annotations from Label Studio changed in the store of their run."""

    run: str
    written: int
    as_it_was: int  # tasks that say what the store says already, or that nobody annotated
    kept: Sequence[str]  # pairs changed in the run after they were annotated: the run's words are kept

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.run}: {many(self.written, 'pair')} written, {self.as_it_was:,} as they were"]
        if self.kept:
            named = ", ".join(self.kept[:5]) + (f" and {len(self.kept) - 5} more" if len(self.kept) > 5 else "")
            lines.append(f"{len(self.kept):,} were changed in the run since they were annotated, and stay so: {named}")
        return plain_lines([*lines, *([f"next: blindpairs freeze {self.run}"] if self.written else [])])
