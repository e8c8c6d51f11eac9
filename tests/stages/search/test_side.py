"""Side: the images of some rows that are ok and no copies, each with its own vectors, wherever they lie."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import World, compared, cuts, standing, worlds
from world.committed import copies_manifest, names, scratch
from world.vectors import embeddings_manifest, search_reads

from manifests.errors import Unbalanced
from stages.search.side import Side, copies_of


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(worlds(), st.data())
def test_a_side_holds_what_stands_in_its_rows_and_counts_what_is_ok(world: World, data: st.DataObject) -> None:
    rows = len(world.ids)
    start, stop = sorted((data.draw(st.integers(0, rows)), data.draw(st.integers(0, rows))))
    with scratch() as folder:
        manifest = world.manifest(f"{folder}/embeddings", data.draw(cuts(rows)))
        reads = search_reads(manifest, folder, world.sha256, length=1)
        side = Side(reads, (start, stop), copies_of(reads["copies"]))
        here = [place for place in standing(world) if start <= place < stop]
        assert side.rows.tolist() == here
        assert side.ids.to_pylist() == [world.ids[place] for place in here]
        assert (len(side), side.seen) == (len(here), len([p for p in compared(world) if start <= p < stop]))
        if here:
            assert side.sketches.shape == (len(here), 2)
            assert np.array_equal(side.vectors("blind"), world.blind[here])
            assert np.array_equal(side.vectors("reference"), world.reference[here])
        held = Side(reads, (start, stop), copies_of(reads["copies"]), hold=data.draw(st.integers(0, 3000)))
        asked = st.lists(st.sets(st.integers(0, max(len(here) - 1, 0)), min_size=1), max_size=4)
        for some in data.draw(asked) if here else ():
            for one in (side, held):
                for encoder, vectors in (("blind", world.blind), ("reference", world.reference)):
                    assert np.array_equal(one.vectors(encoder, np.array(sorted(some))), vectors[here][sorted(some)])


def test_a_side_is_the_same_wherever_its_rows_lie(tmp_path: Path) -> None:
    vectors = {"blind": np.eye(12), "reference": np.eye(12)}
    cut = embeddings_manifest(tmp_path / "cut", names(12), vectors, shard_rows=[5, 0, 1, 6], rejected={4, 6})
    reads = search_reads(cut, tmp_path)
    for start, stop in combinations(range(13), 2):
        side, rows = Side(reads, (start, stop), copies_of(reads["copies"])), [*range(start, stop)]
        there = [row for row in rows if row not in (4, 6)]
        assert side.ids.to_pylist() == [names(12)[row] for row in there]
        if there:
            assert np.array_equal(side.vectors("blind"), np.eye(12)[there])


def test_sketches_of_other_images_than_the_embeddings_are_told(tmp_path: Path) -> None:
    vectors = {"blind": np.eye(3), "reference": np.eye(3)}
    reads = search_reads(embeddings_manifest(tmp_path / "one", names(3), vectors), tmp_path)
    turned = embeddings_manifest(tmp_path / "other", names(3)[::-1], vectors)
    side = Side({**reads, "embeddings": turned}, (0, 3), copies_of(reads["copies"]))
    with pytest.raises(Unbalanced, match="not in the order of the sketches"):
        side.vectors("blind")


def test_the_copies_of_a_manifest_are_the_images_that_others_stand_for(tmp_path: Path) -> None:
    a, b, c = names(3)
    assert copies_of(copies_manifest(tmp_path / "some", {b: a, c: a})).to_pylist() == [b, c]
    assert copies_of(copies_manifest(tmp_path / "none", {})).to_pylist() == []
