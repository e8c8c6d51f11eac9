"""The cap: of a crowd of look-alikes each image keeps its most promising pairs, tile by tile; the rest is counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from world.adversaries import unit
from world.committed import names, scratch
from world.vectors import cosines_in, embeddings_manifest, search_of, search_reads, searched, tiles_of

from manifests.counts import Counts
from stages.search.stage import PART_ROWS

COUNT, CAP = 1200, 5


def crowd(count: int) -> dict[str, np.ndarray]:
    """Blind vectors nearly equal, not equal; reference vectors anywhere."""
    random = np.random.default_rng(count)
    blind = unit(np.ones((count, 16)) + 1e-3 * random.normal(size=(count, 16)))
    return {"blind": blind, "reference": unit(random.normal(size=(count, 8)))}


def named_by_either(reference: np.ndarray, left: range, right: range) -> set[tuple[int, int]]:
    """The rule on one tile, by sorting each image's pairs."""
    cosines = reference[left].astype(float) @ reference[right].astype(float).T
    if left == right:
        np.fill_diagonal(cosines, np.inf)
    kept = set()
    for table, turned in ((cosines, False), (cosines.T, True)):
        for row, best in enumerate(np.argsort(table, axis=1)[:, :CAP].tolist()):
            pairs = [(column, row) if turned else (row, column) for column in best]
            kept |= {tuple(sorted((left[i], right[j]))) for i, j in pairs}
    return kept


@pytest.mark.slow
def test_of_a_thousand_look_alikes_each_keeps_what_the_rule_says_and_the_rest_is_counted() -> None:
    ids, vectors = names(COUNT), crowd(COUNT)
    place, compared = {name: row for row, name in enumerate(ids)}, 0
    with scratch() as folder:
        reads = search_reads(embeddings_manifest(f"{folder}/embeddings", ids, vectors), folder)
        stage = search_of(max_per_image=CAP, block_rows=256)
        blocks = {task.name: (range(*task.facts["left"]), range(*task.facts["right"])) for task in stage.plan(reads)}
        assert len(blocks) > 9
        for name, parts in tiles_of(stage, reads):
            left, right = blocks[name]
            pairs = len(left) * (len(left) - 1) // 2 if left == right else len(left) * len(right)
            rows = {tuple(sorted((place[a], place[b]))) for a, b in cosines_in(parts)}
            assert rows == named_by_either(vectors["reference"], left, right)
            counts = sum((part.counts for part in parts), Counts())
            assert counts == Counts(pairs, len(rows), {"over_max_per_image": pairs - len(rows)})
            compared += pairs
        assert compared == stage.expected(reads) == COUNT * (COUNT - 1) // 2


@pytest.mark.parametrize("cap", [1, 3, 100])
def test_every_image_keeps_at_least_so_many_pairs_or_all_it_has(cap: int) -> None:
    with scratch() as folder:
        _, found = searched(embeddings_manifest(folder, names(60), crowd(60)), max_per_image=cap)
    uses = Counter(name for pair in found for name in pair)
    assert min(uses[name] for name in names(60)) >= min(cap, 59)
    assert len(found) <= min(cap * 60, 60 * 59 // 2)


def test_without_a_cap_all_pairs_are_kept_in_parts_of_so_many_rows() -> None:
    with scratch() as folder:
        manifest = embeddings_manifest(folder, names(520), crowd(520))
        parts, found = searched(manifest, max_per_image=None, block_rows=400)
    assert len(found) == 520 * 519 // 2
    assert max(part.table.num_rows for part in parts) == PART_ROWS == 65536
    assert {part.counts.ok for part in parts} == {part.table.num_rows for part in parts}
