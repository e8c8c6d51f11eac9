"""Summary: the result of `freeze`, as it is reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from manifests.manifest import Manifest
from pipeline.benchmark.unlisted import Unlisted
from stages.author.stage import UNFINISHED
from stages.author.unfinished import Unfinished
from stages.text import many, plain_lines


@dataclass(frozen=True)
class FreezeSummary:
    """The version that holds what people have written, how much of their work is not in it, and the forms it fits."""

    run: str
    version: int
    manifest: Manifest
    new: bool
    unfinished: Unfinished = field(default_factory=lambda: Unfinished(0, {}))
    unlisted: Unlisted = field(default_factory=Unlisted)
    forms: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        counts = self.manifest.counts
        told = {"pairs": counts.ok, "questions": self.manifest.rows, "left_out": dict(counts.rejected)}
        more = {"unfinished": self.unfinished.to_json(), "unlisted": self.unlisted.to_json()}
        return {"folder": self.manifest.folder.url, "version": self.version, "new": self.new, **told, **more} | {
            "formats": list(self.forms)
        }

    def __str__(self) -> str:
        counts = self.manifest.counts
        made = "" if self.new else " (nothing was written since it was made)"
        lines = [f"{self.manifest.folder.url}: {many(counts.ok, 'pair')}, {many(self.manifest.rows, 'question')}{made}"]
        return plain_lines([*lines, *self._left_out(), *filter(None, (str(self.unlisted), self._next()))])

    def _left_out(self) -> list[str]:
        """Return what is not in it: the unfinished pairs with what they lack, the others by the decision on them."""
        counts = self.manifest.counts
        known = {UNFINISHED} if self.unfinished.pairs else set()
        others = {why: count for why, count in counts.rejected.items() if why not in known}
        told = ", ".join(f"{why.replace('_', ' ')} {count:,}" for why, count in others.items())
        lines = [f"of {many(counts.seen, 'pair')} that people touched, not in it: {told}"] if told else []
        return [*lines, *filter(None, (str(self.unfinished),))]

    def _next(self) -> str:
        if not self.forms:
            return ""
        first, *others = self.forms
        also = f" (or {', '.join(others)})" if others else ""
        return f"next: blindpairs export {self.run} --format {first}{also}"
