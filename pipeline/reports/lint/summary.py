"""Summary: what lint found, one line per finding for a person and complete for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.reports.lint.codes import CODES, Severity
from pipeline.reports.lint.findings import Findings
from stages.text import many, plain_lines


@dataclass(frozen=True)
class LintSummary:
    """What is stored at a source, and everything wrong with it."""

    source: str
    kind: str
    files: int
    images: int
    bytes: int
    decoded: int
    findings: Findings

    @property
    def errors(self) -> int:
        return self.findings.count(Severity.ERROR)

    @property
    def warnings(self) -> int:
        return self.findings.count(Severity.WARNING)

    @property
    def wrong(self) -> bool:
        """Whether there is an error; with warnings alone nothing is lost."""
        return self.errors > 0

    def to_json(self) -> dict[str, Any]:
        """Return a dict; `codes` counts all findings, `findings` has the first 1,000 per code with file and member."""
        groups = self.findings.sorted()
        counts = {"files": self.files, "images": self.images, "bytes": self.bytes, "decoded": self.decoded}
        return {
            "source": self.source,
            "kind": self.kind,
            **counts,
            "errors": self.errors,
            "warnings": self.warnings,
            "codes": {one.code: {"severity": CODES[one.code].severity.value, "found": one.found} for one in groups},
            "findings": [finding.to_json() for group in groups for finding in group.first],
        }

    def __str__(self) -> str:
        lines = [line for group in self.findings.sorted() for line in group.lines()]
        return plain_lines([*lines, self._summary()])

    def _summary(self) -> str:
        seen = f"{self.source} ({self.kind}): {many(self.files, 'file')}, {many(self.images, 'image')}"
        read = f"{_size(self.bytes)} of images read, {self.decoded:,} decoded"
        if not self.errors and not self.warnings:
            return f"{seen}, {read}: nothing is wrong"
        return f"{seen}, {read}: {many(self.errors, 'error')}, {many(self.warnings, 'warning')}"


def _size(count: float) -> str:
    """Format bytes for a person, in powers of 1,000."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        units.pop(0)
    return f"{count:,.0f} bytes" if units[0] == "bytes" else f"{count:,.1f} {units[0]}"
