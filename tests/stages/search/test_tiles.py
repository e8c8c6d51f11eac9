"""Tiles: every pair of rows in exactly one, and tasks that stay small however many shards there are."""

from __future__ import annotations

import json
import pickle
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.counts import Counts
from manifests.shard import Receipt
from stages.search.tiles import BLOCKS, LEAST_ROWS, TILES, more_tiles, tiles


def shards(*rows: int) -> list[Receipt]:
    return [Receipt(f"laion-{place:05d}", count, 0, Counts(count, count)) for place, count in enumerate(rows)]


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 12))
def test_every_pair_of_rows_lies_in_exactly_one_tile(rows: list[int], block_rows: int) -> None:
    pairs: Counter[tuple[int, int]] = Counter()
    for task in tiles(shards(*rows), block_rows):
        left, right = range(*task.facts["left"]), range(*task.facts["right"])
        pairs.update((i, j) for i in left for j in right if i < j or left != right)
    assert pairs == Counter((i, j) for j in range(sum(rows)) for i in range(j))


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 12))
def test_no_block_is_larger_than_asked_for(rows: list[int], block_rows: int) -> None:
    assert all(0 < len(range(*task.facts["left"])) <= block_rows for task in tiles(shards(*rows), block_rows))


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 2048, 2049, 5000, 40_000, 100_000, 1_000_001])
@pytest.mark.parametrize("block_rows", [20_000, 65_536, 1_048_576])
def test_blocks_are_as_large_as_asked_for_or_few_but_enough_for_several_workers(rows: int, block_rows: int) -> None:
    blocks = {tuple(task.facts[side]) for task in tiles(shards(rows), block_rows) for side in ("left", "right")}
    sizes = sorted(stop - start for start, stop in blocks)
    assert sum(sizes) == rows
    assert sizes[-1] <= block_rows
    assert len(blocks) <= BLOCKS or sizes[1] == block_rows
    assert len(blocks) >= min(3, -(-rows // LEAST_ROWS))


def test_tasks_have_names_of_their_own() -> None:
    tasks = tiles(shards(100, 100), 7)
    assert len({task.name for task in tasks}) == len(tasks)


@pytest.mark.parametrize("rows", [[1000] * 1000, [10] * 100_000], ids=["a million in 1,000 shards", "in 100,000"])
def test_a_task_is_a_few_bytes(rows: list[int]) -> None:
    tasks = tiles(shards(*rows), 8192)
    assert max(len(json.dumps(task.to_json())) for task in tasks) < 100
    assert max(len(pickle.dumps(task)) for task in tasks) < 200


def test_nothing_to_search_is_no_task() -> None:
    assert tiles(shards(), 10) == tiles(shards(0, 0), 10) == []


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=7), st.integers(1, 12), st.data())
def test_a_grown_search_keeps_its_tiles_and_covers_every_pair_once(
    rows: list[int], block_rows: int, data: st.DataObject
) -> None:
    tasks: list = []
    for count in sorted(data.draw(st.sets(st.integers(0, len(rows)), max_size=3)) | {len(rows)}):
        before, tasks = tasks, more_tiles(tasks, shards(*rows[:count]), block_rows)
        assert tasks[: len(before)] == before
        assert more_tiles(tasks, shards(*rows[:count]), block_rows) == tasks, "nothing new, no tile"
    pairs: Counter[tuple[int, int]] = Counter()
    for task in tasks:
        left, right = range(*task.facts["left"]), range(*task.facts["right"])
        assert 0 < len(left) <= block_rows
        pairs.update((i, j) for i in left for j in right if i < j or left != right)
    assert pairs == Counter((i, j) for j in range(sum(rows)) for i in range(j))
    assert len({task.name for task in tasks}) == len(tasks)


@pytest.mark.parametrize("old", [1, 2, 3, 4, 9, 40])
def test_new_rows_are_cut_into_as_few_blocks_as_give_several_workers_a_tile(old: int) -> None:
    begun = tiles(shards(old * 10_000), 10_000)
    new = len(more_tiles(begun, shards(old * 10_000, 9_000), 10_000)) - len(begun)
    assert TILES <= new <= max(TILES + BLOCKS, old + 1)
