"""Findings: what was found wrong: all are counted, and up to a bound per code they are kept with their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.reports.lint.codes import CODES, Severity

KEPT = 1000  # findings of one code that are kept with their names; the others are only counted
SHOWN = 3  # up to this many findings of one code get a line each; more share one line


@dataclass(frozen=True)
class Finding:
    """One fault: its location, and a sentence with numbers and remedy; `count`: how many faults it represents."""

    code: str
    file: str
    member: str | None
    sentence: str
    count: int = 1

    @property
    def where(self) -> str:
        return f"{self.file}:{self.member}" if self.member else self.file

    def to_json(self) -> dict[str, Any]:
        severity = CODES[self.code].severity.value
        place = {"file": self.file, "member": self.member}
        return {"code": self.code, "severity": severity, **place, "sentence": self.sentence, "count": self.count}


@dataclass
class Group:
    """All findings of one code: their number, and the first of them."""

    code: str
    found: int = 0
    told: str = ""  # their total effect, where more is known than the code's meaning
    first: list[Finding] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield a line each for few findings, one line for many."""
        severity = f"{CODES[self.code].severity.value:7}"
        if self.found <= SHOWN and len(self.first) == self.found:
            yield from (f"{severity}  {one.where}  {self.code}  {one.sentence}" for one in self.first)
            return
        names = ", ".join(one.where for one in self.first[:SHOWN])
        more = self.found - min(SHOWN, len(self.first))
        code = CODES[self.code]
        sentence = f"{self.told}; {code.remedy}" if self.told else code.sentence
        yield f"{severity}  {names} and {more:,} more  {self.code}  {self.found:,} times: {sentence}"


@dataclass
class Findings:
    """Findings by code."""

    groups: dict[str, Group] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        group = self.groups.setdefault(finding.code, Group(finding.code))
        group.found += 1
        if len(group.first) < KEPT:
            group.first.append(finding)

    def more(self, code: str, count: int) -> None:
        """Count `count` further findings of a code, without their names."""
        if count > 0:
            self.groups.setdefault(code, Group(code)).found += count

    def tell(self, code: str, told: str) -> None:
        """Set a sentence on the total effect of all findings of a code."""
        self.groups[code].told = told

    def join(self, other: Findings) -> None:
        """Add the findings of another file."""
        for group in other.groups.values():
            mine = self.groups.setdefault(group.code, Group(group.code))
            mine.found += group.found
            mine.first.extend(group.first[: KEPT - len(mine.first)])

    def count(self, severity: Severity) -> int:
        return sum(group.found for group in self.groups.values() if CODES[group.code].severity is severity)

    def sorted(self) -> list[Group]:
        """Return the groups, errors first, then in the order of the codes."""
        order = {name: place for place, name in enumerate(CODES)}
        return sorted(
            self.groups.values(), key=lambda one: (CODES[one.code].severity is Severity.WARNING, order[one.code])
        )
