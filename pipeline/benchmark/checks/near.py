"""Near: images of one pair that are near-duplicates of images of another, by dHash, as Cambrian-1 looked for leaks.

The two images of one pair are meant to be near; two pairs about one scene count one failure of the blind encoder twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.benchmark.checks.finding import Numbered, found, one_of
from pipeline.benchmark.checks.looks import SIDE, Look
from pipeline.findings import Finding
from stages.text import plain

# Bits of 256. The same photo at half its size, at JPEG quality 30 or a third brighter is at most 25 away from itself,
# cropped by 2 % on each side 30 (median); the nearest two of 1,200 different photos of Flickr8k are 54 apart.
NEAR = 32
BLOCK = 1024  # images compared with all others at once: 40 MB of distances for 10,000 images


def judge_near(pairs: Numbered, seen: Mapping[str, Look]) -> Iterator[Finding]:
    """Yield a finding for each pair with an image near one of an earlier pair: the nearest, and how many more."""
    sides = [
        (at, place, bits)
        for at, (_, pair) in enumerate(pairs)
        for place, side in enumerate(pair.sides)
        if (bits := seen[side.photo.image_id].bits) is not None
    ]
    if not sides:
        return
    met = defaultdict[int, list[tuple[int, int, int]]](list)
    for one, other, apart in _near(np.stack([bits for *_, bits in sides]), np.array([at for at, *_ in sides])):
        met[sides[other][0]].append((apart, one, other))
    for at in sorted(met):
        apart, one, other = min(met[at])
        others = {sides[earlier][0] for _, earlier, _ in met[at]}
        yield _finding(pairs, sides[one][:2], sides[other][:2], apart, len(others) - 1)


def _near(bits: NDArray[np.bool_], of: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield (place, later place, distance in bits) for every two near images of different pairs."""
    ones = bits.astype(np.float32)  # sums of 256 ones are exact, and a matrix product is fast
    set_bits = ones.sum(axis=1)
    for start in range(0, len(ones), BLOCK):
        block = slice(start, start + BLOCK)
        apart = set_bits[block, None] + set_bits[None, :] - 2 * ones[block] @ ones.T
        rows, columns = np.nonzero((apart <= NEAR) & (of[block, None] < of[None, :]))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            yield start + row, column, int(apart[row, column])


def _finding(pairs: Numbered, one: tuple[int, int], other: tuple[int, int], apart: int, more: int) -> Finding:
    (number, pair), (later, later_pair) = pairs[one[0]], pairs[other[0]]
    photo, again = pair.sides[one[1]].photo, later_pair.sides[other[1]].photo
    same = photo.sha256 == again.sha256
    how = "is the same file as" if same else f"is nearly (dHash {apart} of {SIDE * SIDE} bits apart)"
    and_more = f", and {more:,} more pairs have such an image" if more else ""
    sentence = (
        f"{again.source}/{again.key} {how} {photo.source}/{photo.key} of {one_of(number, one[1])}{and_more}; "
        "reject one of the pairs as a duplicate"
    )
    return found("near_duplicate_images", one_of(later, other[1]), plain(sentence))
