"""Copies: the same classes as by walking from image to image, each named by its smallest id, all counted."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import cuts
from world.committed import committed, images_manifest, names, scratch, sha256_of
from world.vectors import made

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.tables import SKETCHES
from stages.base import PriorState, Task
from stages.copies.representatives import firsts
from stages.copies.stage import Copies

Image = tuple[str | None, str | None]  # its sha256 and its digest; no digest: it is not ok
IMAGES = st.lists(st.tuples(st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=16)


def text(number: int | None) -> str | None:
    return None if number is None else sha256_of(number)


def manifests(
    folder: str, images: list[Image], order: list[int] | None = None, shard_rows: list[int] | None = None
) -> dict[str, Manifest]:
    """The sketches and the images of these, in this order; images also hold one that has no row of sketches."""
    ids, order = names(len(images)), list(range(len(images))) if order is None else order
    digests = [digest and digest[:32] for _, digest in images]
    columns = {
        "image_id": [ids[place] for place in order],
        "status": ["ok" if digests[place] else "truncated" for place in order],
        "error": [None if digests[place] else "it ends early" for place in order],
        "digest": pa.array([digests[place] for place in order], pa.string()),
        "sketch": [[1.0] if digests[place] else None for place in order],
    }
    table = pa.table(columns, schema=SKETCHES.columns)
    more = [*ids, "f" * 32]
    return {
        "sketches": committed(f"{folder}/sketches", SKETCHES, table, shard_rows),
        "images": images_manifest(f"{folder}/images", more, [*(digest for digest, _ in images), text(0)]),
    }


def found(images: list[Image], order: list[int] | None = None, shard_rows: list[int] | None = None) -> tuple:
    """The rows as tuples, and the counts."""
    with scratch() as folder:
        copies = made(Copies(), manifests(folder, images, order, shard_rows), f"{folder}/copies")
        return [tuple(row.values()) for row in copies.read("00000").to_pylist()], copies.counts


def oracle(images: list[Image]) -> list[tuple[str, str, str]]:
    """(image, which stands for it, in what it is the same) by walking from image to image."""
    ids = names(len(images))
    there = [place for place, (_, digest) in enumerate(images) if digest]

    def same(i: int, j: int) -> bool:
        return images[i][1] == images[j][1] or (images[i][0] is not None and images[i][0] == images[j][0])

    rows = []
    for start in there:
        reached = [start]
        for place in reached:
            reached += [other for other in there if other not in reached and same(place, other)]
        first = min(reached, key=ids.__getitem__)
        shares = any(images[start][0] is not None and images[start][0] == images[i][0] for i in there if i != start)
        if first != start:
            rows.append((ids[start], ids[first], "bytes" if shares else "vectors"))
    return sorted(rows)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(IMAGES, st.data())
def test_copies_are_those_that_walking_finds_and_every_image_that_is_ok_stands_or_is_counted_as_a_copy(
    numbers: list[tuple[int | None, ...]], data: st.DataObject
) -> None:
    images = [(text(one), text(other)) for one, other in numbers]
    order = data.draw(st.permutations(range(len(images))))
    rows, counts = found(images, order, data.draw(cuts(len(images))))
    assert rows == oracle(images)
    there, tally = sum(digest is not None for _, digest in images), Counter(f"same_{same}" for *_, same in rows)
    assert counts == Counts(there, there - len(rows), dict(tally))


A, B, C, D = sorted(names(4))
ORDER = sorted(range(4), key=names(4).__getitem__)  # the places of A, B, C and D


def by_letters(*images: Image) -> list[Image]:
    """Four images given as A, B, C, D, in the order of their places."""
    return [images[ORDER.index(place)] for place in range(4)]


def test_a_chain_of_bytes_and_vectors_is_one_image() -> None:
    chain = by_letters((text(1), text(5)), (text(2), text(6)), (text(1), text(6)), (text(2), text(7)))
    rows, counts = found(chain)
    assert rows == [(B, A, "bytes"), (C, A, "bytes"), (D, A, "bytes")]
    assert counts == Counts(4, 1, {"same_bytes": 3})


def test_the_same_vectors_of_other_bytes_are_told_as_such() -> None:
    crowd = by_letters(*((text(place), text(9)) for place in range(4)))
    assert found(crowd)[0] == [(name, A, "vectors") for name in (B, C, D)]


def test_in_what_two_are_the_same_is_told_of_each_copy_and_not_of_all() -> None:
    crowd = by_letters((text(1), text(5)), (text(2), text(5)), (text(3), text(6)), (text(3), text(7)))
    assert found(crowd)[0] == [(B, A, "vectors"), (D, C, "bytes")]


def test_images_without_a_hash_are_no_copies_by_their_bytes() -> None:
    assert found([(None, text(1)), (None, text(2)), ("", text(3))]) == ([], Counts(3, 3))


def test_an_image_that_is_not_ok_joins_nothing() -> None:
    rows, _ = found(by_letters((text(1), text(5)), (text(1), None), (text(1), text(6)), (text(2), text(7))))
    assert rows == [(C, A, "bytes")]


def test_hashes_that_differ_in_their_first_half_are_other_bytes() -> None:
    one = "a" * 31 + "b" + "c" * 32
    assert found([("a" * 64, text(1)), (one, text(2)), ("a" * 64, text(3))])[1].rejected == {"same_bytes": 1}


@pytest.mark.parametrize("shard_rows", [[], [0], [0, 0]])
def test_without_images_there_are_no_copies(shard_rows: list[int]) -> None:
    assert found([], None, shard_rows) == ([], Counts())


def test_the_first_of_equal_texts_is_named() -> None:
    texts = np.array([b"b", b"", b"a", b"b", b"", b"a"])
    assert firsts(texts).tolist() == [0, 1, 2, 0, 4, 2]


def test_it_plans_one_task_and_its_settings_are_none() -> None:
    with scratch() as folder:
        reads = manifests(folder, [(text(1), text(1))], shard_rows=[1, 0])
        assert [task.to_json() for task in Copies().plan(reads)] == [{"name": "00000", "ends": [2]}]
    assert json.loads(json.dumps(Copies().settings)) == {}


def grown(images: list[Image], shard_rows: list[int], ends: list[int]) -> list[tuple[str, str, str]]:
    """The rows of all tasks, where so many of the shards were there when the run was begun, and each time it grew."""
    stage, rows, tasks = Copies(), [], ()
    with scratch() as folder:
        whole = manifests(folder, images, None, shard_rows)
        for end in ends:
            reads = {name: replace(one, shards=one.shards[:end]) for name, one in whole.items() if name == "sketches"}
            reads["images"] = whole["images"]
            tasks = tuple(stage.extended(PriorState(tasks, len(tasks)), reads) if tasks else stage.plan(reads))
        for task in (Task.from_json(task.to_json()) for task in tasks):
            (part,) = stage.process(task, reads)
            part.counts.check("a shard")
            rows.append([tuple(row.values()) for row in part.table.to_pylist()])
        assert stage.extended(PriorState(tasks, len(tasks)), reads) == list(tasks), "nothing new, no task"
    return rows


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(IMAGES, st.data())
def test_what_a_grown_run_says_of_its_first_images_is_what_it_said_before(
    numbers: list[tuple[int | None, ...]], data: st.DataObject
) -> None:
    images = [(text(one), text(other)) for one, other in numbers]
    shard_rows = data.draw(cuts(len(images)))
    ends = sorted({data.draw(st.integers(1, len(shard_rows))), len(shard_rows)})
    early = sum(shard_rows[: ends[0]])
    found = grown(images, shard_rows, ends)
    assert found[0] == grown(images, shard_rows, ends[:1])[0]
    first = {row[0] for row in found[0]}
    assert first <= set(names(len(images))[:early])
    assert all(row[0] in names(len(images))[early:] for rows in found[1:] for row in rows)
