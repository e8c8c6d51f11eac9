"""Missing: what a benchmark may lack and still be exported: pairs, reviewers, licenses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.benchmark.checks.finding import EVERY, Numbered, found, several
from pipeline.findings import Finding
from stages.patterns import PAIRS_EACH, PATTERNS

PAIRS = 150  # of MMVP: 300 questions


def judge_count(questions: Numbered) -> Iterator[Finding]:
    """Compare the number of pairs with MMVP's."""
    if questions and len(questions) != PAIRS:
        sentence = (
            f"{len(questions):,} pairs, where MMVP has {PAIRS}; an accuracy over another number compares with none "
            "that was published"
        )
        yield found("not_150_pairs", EVERY, sentence)


def judge_patterns(statements: Numbered) -> Iterator[Finding]:
    """Compare the number of pairs of each pattern with MMVP-VLM's."""
    counts = Counter(pair.pattern for _, pair in statements)
    uneven = [(one.name, counts[one.name]) for one in PATTERNS if counts[one.name] != PAIRS_EACH]
    if statements and uneven:
        told = ", ".join(f"{name} {count:,}" for name, count in uneven)
        sentence = (
            f"not {PAIRS_EACH} pairs of each pattern ({told}), and MMVP-VLM's own scorer tells patterns by position; "
            "write more, or score by the column Type"
        )
        yield found("patterns_uneven", EVERY, sentence)


def judge_reviews(questions: Numbered) -> Iterator[Finding]:
    """Report questions that nobody has answered in their current form."""
    if alone := [number for number, pair in questions if not pair.reviewed_by]:
        sentence = (
            f"nobody answered {len(alone):,} of {len(questions):,} pairs blind; have a second person do it with "
            "`blindpairs author` and --answer"
        )
        yield found("not_reviewed", several(alone, len(questions)), sentence)


def judge_misses(questions: Numbered) -> Iterator[Finding]:
    """Report questions that people answer differently: MMVP itself has two pairs with swapped answers."""
    if wrong := [number for number, pair in questions if pair.is_missed]:
        sentence = (
            f"half or more of those who answered {len(wrong):,} of {len(questions):,} pairs blind say otherwise; see "
            "with `blindpairs people` whether the answers are swapped, or the words say two things"
        )
        yield found("missed_by_people", several(wrong, len(questions)), sentence)


def judge_licenses(pairs: Numbered) -> Iterator[Finding]:
    """Report images for which neither the recipe nor the source gives a license."""
    photos = {side.photo.image_id: side.photo for _, pair in pairs for side in pair.sides}
    if unknown := sum(photo.license is None for photo in photos.values()):
        sentence = f"no license is stated of {unknown:,} of {len(photos):,} images; find it out before you publish them"
        yield found("license_unknown", EVERY, sentence)


def judge_shapes(pairs: Numbered) -> Iterator[Finding]:
    """Report images that CLIP's own preprocessing, with which MMVP's script reads them, crops to less than half."""
    photos = {side.photo.image_id: side.photo for _, pair in pairs for side in pair.sides}
    if narrow := sum(max(one.width, one.height) > 2 * min(one.width, one.height) for one in photos.values()):
        sentence = (
            f"{narrow:,} of {len(photos):,} images are more than twice as long as wide: see that what is asked about "
            "lies in the middle square"
        )
        yield found("far_from_square", EVERY, sentence)
