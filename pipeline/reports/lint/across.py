"""Across: faults that show only after all shards were checked: one image name in two tars, the same bytes twice.

For each image 8 bytes of each of two hashes are kept, and its name is read again from its shard where needed:
among 100 million images the chance of a false alarm with 64 bits is 1 in 3,700.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.reports.lint.codes import CODES
from pipeline.reports.lint.places import Shard
from pipeline.reports.lint.tally import Tally

NAMED = 20  # repeats of each kind that are named; the others are only counted
Places = NDArray[np.int64]


def repeats(hashes: array[int]) -> tuple[Places, Places]:
    """Return the places whose hash occurs at an earlier place, and the first such place of each; 0 never repeats."""
    values = np.frombuffer(hashes, dtype=np.uint64)
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    again = np.flatnonzero((ranked[1:] == ranked[:-1]) & (ranked[1:] != 0)) + 1
    first = np.searchsorted(ranked, ranked[again])  # stable: the first of equals is the earliest place
    by_place = np.argsort(order[again])
    return order[again][by_place], order[first][by_place]


def judge_across(shards: Sequence[Shard], tally: Tally) -> None:
    """Find repeats. Raises OSError where a shard cannot be read again for its names."""
    _find("same_bytes", repeats(tally.contents), "the same bytes as {where}", shards, tally)
    again, first = repeats(tally.keys)
    starts = np.asarray(tally.starts, dtype=np.int64)
    # a repeat within one tar is a fault of that tar and was found there
    apart = np.searchsorted(starts, again, "right") != np.searchsorted(starts, first, "right")
    _find("key_in_two_tars", (again[apart], first[apart]), "{member} is in {file} too", shards, tally)


def _find(code: str, repeated: tuple[Places, Places], sentence: str, shards: Sequence[Shard], tally: Tally) -> None:
    """Name the first repeats, count the rest; `sentence` has `where` and `file` of an image, `member` of a repeat."""
    again, first = repeated
    names = _names(shards, tally, [*again[:NAMED], *first[:NAMED]])
    for one, other in zip(again[:NAMED].tolist(), first[:NAMED].tolist()):
        tally.file, member = names[one]
        where = {"where": _where(*names[other]), "file": names[other][0]}
        tally.find(code, sentence.format(member=member, **where), member)
    if len(again) > NAMED:
        tally.findings.group(CODES[code]).add(len(again) - NAMED)


def _names(shards: Sequence[Shard], tally: Tally, places: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return file and member at each of these places; each shard that holds one is listed again."""
    wanted = defaultdict[int, set[int]](set)
    for one in map(int, places):
        wanted[bisect_right(tally.starts, one) - 1].add(one)
    names: dict[int, tuple[str, str]] = {}
    for number, inside in wanted.items():
        for one, name in enumerate(shards[number].names(), tally.starts[number]):
            if one in inside:
                names[one] = (shards[number].file, name)
            if one >= max(inside):
                break
    return {one: names.get(one, ("a file that changed meanwhile", "")) for group in wanted.values() for one in group}


def _where(file: str, member: str) -> str:
    return f"{file}:{member}" if file and member else file or member
