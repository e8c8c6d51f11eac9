"""Disputed: four answers of the published MMVP, found to be swapped by people who looked at the images.

Rows 99 and 100 (an elephant's tusks), 279 and 280 (an elderly person): tsb0601/MMVP issues 14 and 30, corrected in
lmms-eval. A file's name does not show which answers it has: either set can be requested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from manifests.errors import Refused
from pipeline.benchmark.formats.reading.published import Published, PublishedPair

AS_FOUND, ORIGINAL, CORRECTED = "as_found", "original", "corrected"
ANSWERS = (AS_FOUND, ORIGINAL, CORRECTED)
OTHER = {"a": "b", "b": "a"}
PUBLISHED: Mapping[int, str] = {99: "a", 279: "a"}  # a pair's first row -> its letter; the second has the other
ROWS = 300
KNOWN, KNOWN_ROW = "Is the elderly person standing or sitting in the picture?", 279
KNOWN_OPTIONS = ("Standing", "Sitting")


def corrected(found: Published, answers: str) -> Published:
    """Return the benchmark with the requested disputed answers, and a note on which answers it has.

    Raises Refused if it is not the published MMVP, where these rows mean nothing.
    """
    if not _is_mmvp(found):
        if answers == AS_FOUND:
            return found
        raise Refused(
            f"--answers {answers} is about four rows of the published MMVP, and {found.uri} does not belong to it: it "
            f"has {2 * len(found.pairs)} rows, or row {KNOWN_ROW} does not ask {KNOWN!r}"
        )
    pairs = list(found.pairs)
    for row, letter in PUBLISHED.items() if answers != AS_FOUND else ():
        pairs[row // 2] = _answered(pairs[row // 2], letter if answers == ORIGINAL else OTHER[letter])
    return replace(found, pairs=tuple(pairs), note=_note(pairs))


def _is_mmvp(found: Published) -> bool:
    if 2 * len(found.pairs) != ROWS:
        return False
    pair = found.pairs[KNOWN_ROW // 2]
    said, known = ((pair.question, pair.option_a, pair.option_b), (KNOWN, *KNOWN_OPTIONS))
    return [text.casefold() for text in said] == [text.casefold() for text in known]


def _answered(pair: PublishedPair, letter: str) -> PublishedPair:
    first, second = replace(pair.first, answer=letter), replace(pair.second, answer=OTHER[letter])
    return replace(pair, first=first, second=second)


def _note(pairs: list[PublishedPair]) -> str:
    has = {row: pairs[row // 2].first.answer == letter for row, letter in PUBLISHED.items()}
    if all(has.values()):
        return "rows 99, 100, 279 and 280 have the original answers, known to be swapped (--answers corrected)"
    if not any(has.values()):
        return "rows 99, 100, 279 and 280 have the corrected answers"
    return "of rows 99, 100, 279 and 280 two have their original answers and two the corrected ones"
