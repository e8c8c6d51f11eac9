"""Summary: the result of `export`, as it is or would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.benchmark.checks.finding import Finding
from stages.text import many, plain_lines, table

ACCEPTED = "accepted"
SHOWN = 20  # findings shown in the text; --json has all


@dataclass(frozen=True)
class ExportSummary:
    """What was written where, and what the checks found. `to` is None if nothing was to be written."""

    run: str
    form: str
    to: str | None
    version: int | None = None  # version of the questions; None for a form of the run's pairs
    pairs: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)  # reason -> pairs
    findings: Sequence[Finding] = ()
    accepted: Sequence[str] = ()
    behind: bool = False  # people have written since the newest version
    next: str = ""

    @property
    def hindered(self) -> bool:
        """Whether an export would be refused."""
        return any(one.hinders(self.accepted) for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"hindered": self.hindered}

    def __str__(self) -> str:
        return plain_lines((*self._head(), *self._found(), *self._tail()))

    def _head(self) -> list[str]:
        what = many(self.pairs, "pair") + (f" of questions-{self.version}" if self.version else "")
        verdict = "would be refused" if self.hindered else "can be exported"
        lines = [f"{what} in {self.form}: {self.to or verdict}"]
        return lines + [f"left out: {count:,} ({why})" for why, count in self.left_out.items()]

    def _found(self) -> list[str]:
        if not self.findings:
            return []
        rows = [(self._grave(one), one.code, one.where, one.sentence) for one in self.findings[:SHOWN]]
        counts = Counter(map(self._grave, self.findings))
        more = [f"... {len(self.findings) - SHOWN:,} more (--json lists all)"] if len(self.findings) > SHOWN else []
        told = ", ".join(f"{grave}: {count:,}" for grave, count in sorted(counts.items()))
        return [*table(("severity", "code", "where", "what"), rows), *more, told]

    def _grave(self, one: Finding) -> str:
        return ACCEPTED if one.hinders(()) and not one.hinders(self.accepted) else one.severity

    def _tail(self) -> list[str]:
        behind = f"people have written since; `blindpairs freeze {self.run}` makes a new version"
        return [*([behind] if self.behind else []), *([f"next: {self.next}"] if self.next and self.to else [])]
