"""The queue: what a person sees first is unlike, nothing is lost, and what the run no longer has comes last."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.authoring import author, image_row, paired_run, pairs_of
from world.committed import committed

from manifests.errors import NotCommitted
from manifests.storage import Folder
from manifests.tables import PAIRS
from pipeline.benchmark.page.queue import Listed, diverse, read_queue
from pipeline.run.run import Run
from stages.author.authored import Authored

GROUPS = st.lists(st.tuples(st.integers(1, 5), st.sampled_from("abc"), st.sampled_from("abc")), max_size=40)


def listed(rows: list[tuple[int, str, str]]) -> list[Listed]:
    """Pairs by rank; the first letter of an id is its label."""
    return [
        Listed(f"{one}{place}", f"{other}{place}", 0.99, 0.1, 0.89, group, place + 1)
        for place, (group, one, other) in enumerate(rows)
    ]


def in_order(rows: list[tuple[int, str, str]]) -> list[Listed]:
    return diverse(listed(rows), lambda image_id: image_id[0])


@given(GROUPS)
def test_no_pair_is_lost_or_doubled(rows) -> None:
    assert sorted(pair.ids for pair in in_order(rows)) == sorted(pair.ids for pair in listed(rows))


@given(GROUPS)
def test_every_group_is_seen_once_before_any_is_seen_again(rows) -> None:
    seen = [pair.group for pair in in_order(rows)]
    sizes = Counter(seen)
    for turn in range(1, max(sizes.values(), default=0) + 1):
        already = sum(min(count, turn - 1) for count in sizes.values())
        here = seen[already : already + sum(count >= turn for count in sizes.values())]
        assert sorted(here) == sorted(group for group, count in sizes.items() if count >= turn)


@given(GROUPS)
def test_of_one_group_the_best_come_first_and_so_among_like_labels(rows) -> None:
    last: dict[int, int] = {}
    for pair in in_order(rows):
        assert last.get(pair.group, 0) < pair.rank
        last[pair.group] = pair.rank


def test_within_a_round_each_two_labels_come_once_before_any_comes_again() -> None:
    rows = [(1, "a", "a"), (2, "a", "a"), (3, "a", "a"), (4, "a", "b"), (5, "b", "a"), (6, "c", "c")]
    assert [pair.rank for pair in in_order(rows)] == [1, 4, 6, 2, 5, 3]


def test_pairs_left_out_by_the_filter_are_not_shown(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow.dataset import dataset

    run = paired_run(tmp_path, 3)
    rows = dataset(run / "pairs").to_table().to_pylist()
    rows[1] |= {"rank": None, "group": None, "reason": "near_duplicates"}
    (tmp_path / "again").mkdir()
    (run / "pairs").rename(tmp_path / "old")
    committed(run / "pairs", PAIRS, pa.Table.from_pylist(rows, schema=PAIRS.columns))
    assert [pair.rank for pair in read_queue(Run.open(str(run)), []).pairs] == [1, 3]


def test_what_people_wrote_of_pairs_that_the_run_no_longer_has_stays_at_the_end(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 3)
    (first, _), (_, second) = sorted(pairs_of(run)[0]), sorted(pairs_of(run)[1])
    ids = tuple(sorted((first, second)))
    queue = read_queue(Run.open(str(run)), [Authored(*ids, decision="kept"), *author(run, [0])])
    assert [pair.ids for pair in queue.pairs][-1] == ids
    assert queue.pairs[-1].rank is None
    assert len(queue.pairs) == 4


def test_a_pair_whose_image_is_not_in_the_run_any_more_is_not_shown(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    assert read_queue(Run.open(str(run)), [Authored("0" * 32, "f" * 32, decision="kept")]).places.keys() == {
        pairs_of(run)[0]
    }


def test_a_run_without_pairs_shows_what_was_imported_in_its_order(tmp_path: Path) -> None:
    import pyarrow as pa

    from manifests.tables import IMAGES

    (tmp_path / "photos").mkdir()
    rows = [image_row(tmp_path / "photos", number) for number in range(4)]
    committed(tmp_path / "run" / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    one, other = (sorted((rows[place]["image_id"], rows[place + 1]["image_id"])) for place in (0, 2))
    queue = read_queue(Run(Folder(str(tmp_path / "run"))), [Authored(*one, place=2), Authored(*other, place=1)])
    assert [pair.ids for pair in queue.pairs] == [tuple(other), tuple(one)]


def test_a_run_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotCommitted):
        read_queue(Run(Folder(str(tmp_path))), [])
