"""Summary: the result of `freeze`, as it is reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from manifests.manifest import Manifest
from stages.text import many, plain_lines


@dataclass(frozen=True)
class FreezeSummary:
    """The version that holds what people have written, and how much of their work is not in it."""

    run: str
    version: int
    manifest: Manifest
    new: bool

    def to_json(self) -> dict[str, Any]:
        counts = self.manifest.counts
        told = {"pairs": counts.ok, "questions": self.manifest.rows, "left_out": dict(counts.rejected)}
        return {"folder": self.manifest.folder.url, "version": self.version, "new": self.new, **told}

    def __str__(self) -> str:
        counts = self.manifest.counts
        made = "" if self.new else " (nothing was written since it was made)"
        left = ", ".join(f"{why.replace('_', ' ')} {count:,}" for why, count in counts.rejected.items())
        lines = [f"{self.manifest.folder.url}: {many(counts.ok, 'pair')}, {many(self.manifest.rows, 'question')}{made}"]
        lines += [f"of {many(counts.seen, 'pair')} that people touched, not in it: {left}"] if left else []
        return plain_lines([*lines, f"next: blindpairs export {self.run} --format mmvp"])
