"""Cuts: however the work is cut and in whatever order it is done, the rows are the same, within a plan every byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import World, cuts, unit, worlds
from world.committed import names, scratch
from world.vectors import embeddings_manifest, search_of, search_reads, searched, tiles_of

from manifests.manifest import Manifest
from manifests.shard import write_shard
from manifests.storage import Folder
from manifests.tables import CANDIDATES
from stages.search import kept, stage, tile
from stages.search.methods import flat, products

FINENESS = (  # module, name, what it is in a search of millions against a few images
    (products, "ROWS", (1, 3, 7)),
    (products, "COLUMNS", (1, 2, 5)),
    (products, "REGION", (1, 4, 11)),
    (flat, "QUERIES", (1, 3)),
    (tile, "PLACES", (7, 30, 100)),
    (kept, "MORE", (0, 1, 10)),
)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(worlds(), st.data())
def test_every_digit_is_the_same_however_the_work_is_cut(world: World, data: st.DataObject) -> None:
    rows = len(world.ids)
    order = data.draw(st.permutations(range(rows)))
    with scratch() as one, scratch() as other:
        whole = world.manifest(one, [rows])
        _, expected = searched(whole, world.sha256, min_cosine=world.floor, max_per_image=None)
        cut = world.manifest(other, data.draw(cuts(rows)), order)
        blocks, length = data.draw(st.integers(1, 9)), data.draw(st.none() | st.integers(1, world.blind.shape[1]))
        asked = {"min_cosine": world.floor, "max_per_image": None, "block_rows": blocks, "backwards": True}
        _, found = searched(cut, [world.sha256[place] for place in order], length=length, **asked)
    assert found == expected


def crowd(folder: Path | str) -> Manifest:
    """Sixty images of which many pairs are near, in shards of several sizes, some of them rejected."""
    random = np.random.default_rng(8)
    near = unit(np.repeat(random.normal(size=(6, 8)), 10, axis=0) + 0.2 * random.normal(size=(60, 8)))
    vectors = {"blind": near, "reference": unit(random.normal(size=(60, 3)))}
    return embeddings_manifest(folder, names(60), vectors, shard_rows=[25, 0, 1, 34], rejected={3, 24, 25, 59})


def files(reads: dict[str, Manifest], folder: str, backwards: bool = False, **asked: object) -> dict[str, bytes]:
    """Each tile's shard as it is written."""
    place = Folder(folder)
    for name, parts in tiles_of(search_of(min_cosine=0.9, block_rows=16, **asked), reads, backwards):
        write_shard(place, name, CANDIDATES, parts)
    return {name: place.read(name) for name in place.sizes() if name.endswith(".parquet")}


@pytest.mark.parametrize("cap", [None, 2])
@pytest.mark.parametrize("method", ["exact", "flat"])
def test_every_byte_of_a_tile_is_the_same_in_any_order_and_fineness(
    monkeypatch: pytest.MonkeyPatch, method: str, cap: int | None
) -> None:
    with scratch() as folder:
        reads = search_reads(crowd(f"{folder}/embeddings"), folder)
        expected = files(reads, f"{folder}/expected", method=method, max_per_image=cap)
        assert len(expected) == 10
        assert sum(map(len, expected.values())) > 10 * 1000
        for turn in range(3):
            for module, name, values in FINENESS:
                monkeypatch.setattr(module, name, values[turn % len(values)])
            found = files(reads, f"{folder}/{turn}", turn != 1, method=method, max_per_image=cap)
            assert found == expected


@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_a_sketch_of_any_length_and_another_method_give_the_same_bytes(length: int) -> None:
    with scratch() as folder:
        manifest = crowd(f"{folder}/embeddings")
        one = search_reads(manifest, f"{folder}/one", length=length)
        other = search_reads(manifest, f"{folder}/other")
        assert files(one, f"{folder}/a") == files(other, f"{folder}/b", method="flat")


def test_a_tile_alone_is_the_same_as_among_the_others() -> None:
    with scratch() as folder:
        reads = search_reads(crowd(f"{folder}/embeddings"), folder)
        every = files(reads, f"{folder}/every")
        for task in search_of(min_cosine=0.9, block_rows=16).plan(reads)[::4]:
            alone = search_of(min_cosine=0.9, block_rows=16)
            alone.setup(stage.Machine())
            write_shard(Folder(f"{folder}/alone"), task.name, CANDIDATES, alone.process(task, reads))
            assert Folder(f"{folder}/alone").read(f"{task.name}.parquet") == every[f"{task.name}.parquet"]


def test_rows_come_by_the_place_of_the_left_image_then_the_right() -> None:
    with scratch() as folder:
        manifest = crowd(f"{folder}/embeddings")
        place = {name: row for row, name in enumerate(names(60))}
        for _, parts in tiles_of(search_of(min_cosine=0.9, block_rows=16), search_reads(manifest, folder)):
            ends = [part.table.select(["left_id", "right_id"]).to_pylist() for part in parts]
            pairs = [sorted((place[row["left_id"]], place[row["right_id"]])) for rows in ends for row in rows]
            assert pairs == sorted(pairs)
