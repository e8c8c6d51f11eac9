"""Summary: the result of an audit, in a few lines for a person and complete for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from pipeline.reports.audit.result import Audit, OddPair
from pipeline.reports.audit.truth import BORDER
from pipeline.run.layout import AUDIT
from pipeline.run.run import Run
from stages.text import many, plain, plain_lines

SHOWN = 10  # pairs of each kind shown to a person


@dataclass(frozen=True)
class AuditSummary:
    """An audit, the manifest it is of, and where to look next."""

    manifest: str
    audit: Audit
    next: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"manifest": self.manifest, **self.audit.to_json(), "defect": self.audit.defect}

    def __str__(self) -> str:
        lines = [self._verdict(), *_aside(self.audit)]
        lines += _named("missed", self.audit.missed_pairs, self.audit.missed)
        lines += _named("false", self.audit.false_pairs, self.audit.false)
        lines += _named("wrong cosines", self.audit.wrong_pairs, self.audit.wrong)
        lines += [self._judgement()]
        return plain_lines(line for line in [*lines, self.next] if line)

    def _verdict(self) -> str:
        audit, missed = self.audit, f"{self.audit.missed:,}" if self.audit.missed else "none"
        compared = f"{images(audit)}, {audit.comparisons:,} comparisons in float64"
        pairs = f"{many(audit.true_pairs, 'true pair')}: {audit.found:,} found, {estimate(audit)}"
        return f"audit of {plain(self.manifest)} ({audit.method}): {compared}, {pairs}; missed: {missed}"

    def _judgement(self) -> str:
        if self.audit.defect:
            where = plain(f"{self.manifest}/{AUDIT}")
            return f"this is a defect of blindpairs, not of your images: please report it with {where}"
        if self.audit.missed:
            return "method ivf may miss pairs: a higher search.ivf_probes misses fewer, search.method=exact none"
        return ""


def summarized(run: Run, audit: Audit) -> AuditSummary:
    """Return what an audit of this run found, and the command that shows it in the gallery, if the run has pairs."""
    shown = f"`blindpairs report {run}` shows it in the gallery" if run.has("pairs") else ""
    return AuditSummary(f"{run}/candidates", audit, shown)


def images(audit: Audit) -> str:
    """Return in words which images were compared with which."""
    if audit.whole:
        return f"all {audit.of:,} images against each other"
    return f"{audit.images:,} of {audit.of:,} images against all others"


def estimate(audit: Audit) -> str:
    """Return the recall and its interval in words, rounded so that they never claim more than is known."""
    if audit.recall is None:
        return f"recall unknown ({_why_unknown(audit)})"
    if audit.whole:
        return f"recall {down(audit.recall)} (of every pair: no estimate)"
    low, high = audit.interval
    return f"recall {down(audit.recall)} (95 % interval {down(low)} to {up(high)})"


def down(share: float) -> str:
    """Return a share to three decimals, rounded down: 0.9999 is not 1.000."""
    return f"{floor(share * 1000 + 1e-9) / 1000:.3f}"


def up(share: float) -> str:
    """Return a share to three decimals, rounded up."""
    return f"{ceil(share * 1000 - 1e-9) / 1000:.3f}"


def _why_unknown(audit: Audit) -> str:
    if audit.cut:
        return "max_per_image cut every one"
    return "there is no true pair" if audit.whole else "no true pair touches the drawn images; draw more with --images"


def _aside(audit: Audit) -> Iterator[str]:
    if audit.cut:
        yield f"cut by search.max_per_image {audit.max_per_image}, so neither found nor missed: {audit.cut:,}"
    if audit.border:
        yield f"on the border (within {BORDER:g} of {audit.floor:g}), so neither found nor missed: {audit.border:,}"


def _named(sort: str, pairs: Sequence[OddPair], count: int) -> Iterator[str]:
    if not count:
        return
    yield f"{sort}: {count:,}" + (f", the first {SHOWN} of them:" if count > SHOWN else ":")
    for pair in pairs[:SHOWN]:
        yield f"  {plain(pair.left_id)}  {plain(pair.right_id)}  {_cosines(pair)}"


def _cosines(pair: OddPair) -> str:
    own = _both("", pair.blind_cosine, pair.reference_cosine)
    stored = _both("stored as ", pair.stored_blind_cosine, pair.stored_reference_cosine)
    return ", ".join(words for words in (own, stored) if words)


def _both(words: str, blind: float | None, reference: float | None) -> str:
    return "" if blind is None or reference is None else f"{words}blind {blind:.6f}, reference {reference:.6f}"
