"""Summary: what lint found, one line per finding for a person and complete for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.filesize import decimal

from pipeline.findings import Finding, Findings
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
        return self.findings.counts()["error"]

    @property
    def warnings(self) -> int:
        return self.findings.counts()["warning"]

    @property
    def wrong(self) -> bool:
        """Whether there is an error; with warnings alone nothing is lost."""
        return self.errors > 0

    def to_json(self) -> dict[str, Any]:
        """Return a dict; `codes` counts all findings, `findings` has the first 1,000 per code with file and member."""
        groups = self.findings.groups()
        counts = {"files": self.files, "images": self.images, "bytes": self.bytes, "decoded": self.decoded}
        return {
            "source": self.source,
            "kind": self.kind,
            **counts,
            "errors": self.errors,
            "warnings": self.warnings,
            "codes": {one.kind.name: {"severity": one.kind.severity, "found": one.found} for one in groups},
            "findings": [_json(finding) for group in groups for finding in group.first],
        }

    def __str__(self) -> str:
        return plain_lines([*self.findings.lines(), self._summary()])

    def _summary(self) -> str:
        seen = f"{self.source} ({self.kind}): {many(self.files, 'file')}, {many(self.images, 'image')}"
        read = f"{decimal(self.bytes)} of images read, {self.decoded:,} decoded"
        if not self.errors and not self.warnings:
            return f"{seen}, {read}: nothing is wrong"
        return f"{seen}, {read}: {many(self.errors, 'error')}, {many(self.warnings, 'warning')}"


def _json(one: Finding) -> dict[str, Any]:
    place = {"file": one.where, "member": one.member}
    return {"code": one.code, "severity": one.severity, **place, "sentence": one.sentence, "count": one.count}
