"""Findings: the faults that a check found, for people and for programs. Each check keeps its own list of codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

KEPT = 1000  # findings of one code that are kept with their places; the others are only counted
NAMED = 3  # places that a line about many findings names


class Severity(StrEnum):
    ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Code:
    """A kind of fault; `meaning` and `remedy` are parts of one sentence. Some kinds a person may accept by name."""

    name: str
    severity: Severity
    meaning: str
    remedy: str = ""
    acceptable: bool = False

    def sentence(self, what: str = "") -> str:
        """Return what is wrong, its meaning if nothing more is known, and the remedy if there is one."""
        return "; ".join(filter(None, (what or self.meaning, self.remedy)))

    def hinders(self, accepted: Collection[str]) -> bool:
        """Whether it is an error that is not among the `accepted` codes."""
        return self.severity is Severity.ERROR and not (self.acceptable and self.name in accepted)

    def label(self, accepted: Collection[str]) -> str:
        return "accepted" if self.hinders(()) and not self.hinders(accepted) else self.severity.value


@dataclass(frozen=True)
class Finding:
    """A fault. `where`: a file, or questions; `member`: a file inside; `sentence`: what is wrong, and what to do."""

    kind: Code
    where: str
    sentence: str
    member: str | None = None
    count: int = 1  # of the faults that it represents

    @property
    def code(self) -> str:
        return self.kind.name

    @property
    def severity(self) -> Severity:
        return self.kind.severity

    @property
    def acceptable(self) -> bool:
        return self.kind.acceptable

    @property
    def place(self) -> str:
        return f"{self.where}:{self.member}" if self.member else self.where

    def hinders(self, accepted: Collection[str]) -> bool:
        return self.kind.hinders(accepted)


@dataclass
class Group:
    """All findings of one code: their number, and the first of them."""

    kind: Code
    found: int = 0
    effect: str = ""  # of all of them together, where more is known than the code's meaning
    first: list[Finding] = field(default_factory=list)

    def add(self, found: int, findings: Iterable[Finding] = ()) -> None:
        self.found += found
        self.first += islice(findings, KEPT - len(self.first))

    def lines(self, label: str, shown: int) -> Iterator[str]:
        if self.found <= shown and len(self.first) == self.found:
            yield from (f"{label:7}  {one.place}  {one.code}  {one.sentence}" for one in self.first)
            return
        places = ", ".join(one.place for one in self.first[:NAMED])
        more = self.found - min(NAMED, len(self.first))
        what = f"{self.found:,} times: {self.kind.sentence(self.effect)}"
        yield f"{label:7}  {places} and {more:,} more  {self.kind.name}  {what}"


class Findings:
    """Findings by code: all are counted, and the first of each code are kept with their places."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._groups: dict[str, Group] = {}
        for one in findings:
            self.group(one.kind).add(1, [one])

    def group(self, kind: Code) -> Group:
        return self._groups.setdefault(kind.name, Group(kind))

    def groups(self) -> list[Group]:
        """Return the findings of each code, errors first."""
        return sorted(self._groups.values(), key=lambda group: group.kind.severity)

    def join(self, other: Findings) -> None:
        """Add the findings of another part."""
        for group in other.groups():
            self.group(group.kind).add(group.found, group.first)

    def counts(self, accepted: Collection[str] = ()) -> Counter[str]:
        """Return how many are errors, warnings, and errors that were accepted."""
        counts = Counter[str]()
        for group in self.groups():
            counts[group.kind.label(accepted)] += group.found
        return counts

    def lines(self, shown: int = NAMED, accepted: Collection[str] = ()) -> Iterator[str]:
        """Yield a line for each finding, and one line for all of a code of which there are more than `shown`."""
        for group in self.groups():
            yield from group.lines(group.kind.label(accepted), shown)
