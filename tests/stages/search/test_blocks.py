"""The search's blocks when rows go: they still cover every row once, whatever goes, and grow on."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from manifests.counts import Counts
from manifests.shard import Receipt
from stages.base import Task
from stages.search.tiles import block_at, blocks_of, more_tiles, pairs_in, shifted

LOTS = st.lists(st.integers(0, 700), min_size=1, max_size=4)


def shards(rows: int) -> list[Receipt]:
    return [Receipt("00000", rows, 0, Counts())]


def planned(lots: list[int], most: int) -> list[Task]:
    """The tiles of a run that grew by so many rows each time."""
    tasks, rows = [], 0
    for lot in lots:
        rows += lot
        tasks = more_tiles(tasks, shards(rows), most)
    return tasks


@given(lots=LOTS, most=st.integers(1, 300), seed=st.integers(0, 999), share=st.sampled_from([0, 0.01, 0.5, 0.97, 1]))
def test_every_row_that_stays_lies_in_the_block_it_lay_in(lots: list[int], most: int, seed: int, share: float) -> None:
    most = max(most, sum(lots) // 12)
    tasks, dice = planned(lots, most), np.random.default_rng(seed)
    gone = dice.random(sum(lots)) < share
    then, now = blocks_of(tasks), blocks_of(shifted(tasks, gone))
    assert len(now) == len(then)
    place = 0
    for row in range(len(gone)):
        if not gone[row]:
            assert block_at(now, place) == block_at(then, row)
            place += 1
    assert [stop for _, stop in now][-1:] in ([], [place])


@given(lots=LOTS, more=st.integers(0, 400), seed=st.integers(0, 99), share=st.sampled_from([0, 0.3, 0.97, 1]))
def test_all_pairs_are_counted_once_also_after_more_growth(lots: list[int], more: int, seed: int, share: float) -> None:
    most, dice = max(40, sum(lots) // 8), np.random.default_rng(seed)
    gone = dice.random(sum(lots)) < share
    left = int((~gone).sum())
    begun = shifted(planned(lots, most), gone)
    grown = more_tiles(begun, shards(left + more), most)
    assert grown[: len(begun)] == begun
    names = [task.name for task in grown]
    assert len(set(names)) == len(names)
    ok, stands = dice.random(left + more) < 0.9, np.zeros(left + more, bool)
    stands[ok] = dice.random(ok.sum()) < 0.8
    for mask in (ok, stands):
        images, every = [int(mask[slice(*block)].sum()) for block in blocks_of(grown)], int(mask.sum())
        assert sum(pairs_in(task.name, images) for task in grown) == every * (every - 1) // 2
