"""Summary: the result of `export`, as it is or would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.benchmark.unlisted import Unlisted
from pipeline.findings import Finding, Findings
from stages.text import many, plain_lines

SHOWN = 20  # findings of one code that have a line each in the text; --json has all


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
    unlisted: Unlisted = field(default_factory=Unlisted)  # of its pairs, those that are none of the run's any more
    next: str = ""

    @property
    def hindered(self) -> bool:
        """Whether an export would be refused."""
        return any(one.hinders(self.accepted) for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        told = {"findings": list(map(_json, self.findings)), "hindered": self.hindered}
        return asdict(self) | told | {"unlisted": self.unlisted.to_json()}

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
        every = Findings(self.findings)
        counts = sorted(every.counts(self.accepted).items())
        return [*every.lines(SHOWN, self.accepted), ", ".join(f"{label}: {count:,}" for label, count in counts)]

    def _tail(self) -> list[str]:
        behind = f"people have written since; `blindpairs freeze {self.run}` makes a new version"
        odd = list(filter(None, (str(self.unlisted),)))
        return [*odd, *([behind] if self.behind else []), *([f"next: {self.next}"] if self.next and self.to else [])]


def _json(one: Finding) -> dict[str, Any]:
    known = {"code": one.code, "severity": one.severity, "acceptable": one.acceptable}
    return {**known, "where": one.where, "sentence": one.sentence}
