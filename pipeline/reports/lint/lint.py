"""Lint: find what is wrong with a source before any GPU time is spent. Each file is read once, from start to end.

Every header and sidecar is read, and every image's bytes are hashed and their header parsed, which reveals
copies and wrong names. Decoding costs several times as much, so only a random draw is decoded.
"""

from __future__ import annotations

from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from pipeline.reports.lint.across import judge_across
from pipeline.reports.lint.draw import Draw
from pipeline.reports.lint.names import find_missing_captions
from pipeline.reports.lint.parallel import look_at_all
from pipeline.reports.lint.places import Found, found
from pipeline.reports.lint.progress import Passed, shown
from pipeline.reports.lint.source_listing import judge
from pipeline.reports.lint.summary import LintSummary
from pipeline.reports.lint.tally import Tally


def lint(source: str, draw: str, seed: int) -> LintSummary:
    """Report everything wrong with `source`: a folder, or files by braces or glob, on a disk or in a bucket.

    `draw`: how many images are decoded: a number, "all" or "none". Raises Refused where nothing is there, and
    where a store failed: then nothing is known about the source.
    """
    drawing, passed = Draw(draw, seed), Passed()
    try:
        with shown(passed):
            there = found(source)
            tally = _looked(there, drawing, passed)
    except Unreachable as error:
        raise Refused(f"{source}: the store failed ({error.strerror}), so nothing is known; try later") from error
    seen = tally.images - tally.forgotten
    return LintSummary(source, there.kind, there.files, seen, tally.read_bytes, tally.decoded, tally.findings)


def _looked(there: Found, draw: Draw, passed: Passed) -> Tally:
    tally = look_at_all(there.shards, draw, passed)
    passed.what = "decoding"
    for drawn in draw.drawn():
        tally.decode(drawn)
    passed.what = "comparing"
    find_missing_captions(tally)
    judge(there.there, there.kind, tally)
    judge_across(there.shards, tally)
    return tally
