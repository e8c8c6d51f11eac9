"""A benchmark as it is read: pairs in order, each image as the images table has it, and what it all was made of."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.dataset import dataset
from world.authoring import author, frozen_run, image_row, paired_run, pairs_of
from world.authoring import photo as drawn
from world.committed import committed

from manifests.errors import NotCommitted, Refused, Waiting
from manifests.tables import IMAGES, PAIRS, QUESTIONS
from pipeline.benchmark.benchmark import asks, read_benchmark, states
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.photos import CHANGED, photos_of
from pipeline.run.run import Run
from stages.author.answers import Answer, asked
from stages.author.store import NAME, Store
from stages.images import ImageRefused


def rows_of(run: Path, version: int = 1) -> list[dict]:
    return sorted(dataset(run / f"questions-{version}").to_table().to_pylist(), key=lambda row: row["place"])


def test_each_two_rows_are_a_pair_in_their_order(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 20, training=3)
    benchmark, rows = read_benchmark(Run.open(str(run))), rows_of(run)
    assert len(benchmark.pairs) == 23
    told = [
        {
            "question_id": side.question_id,
            "side": side.side,
            "image_id": side.photo.image_id,
            "use": pair.use,
            "pattern": pair.pattern,
            "question": pair.question,
            "options": list(pair.options or ()),
            "answer": side.answer,
            "statement": side.statement,
            "author": pair.author,
            "authored_at": pair.authored_at,
        }
        for pair in benchmark.pairs
        for side in pair.sides
    ]
    assert told == [{name: row[name] for name in told[0]} for row in rows]


def test_each_image_is_as_the_images_table_has_it_and_reads_as_it_lies(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    table = {row["image_id"]: row for row in dataset(run / "images").to_table().to_pylist()}
    for photo in read_benchmark(Run.open(str(run))).photos:
        row = table[photo.image_id]
        for name in (
            "source",
            "key",
            "uri",
            "offset",
            "length",
            "sha256",
            "width",
            "height",
            "format",
            "caption",
            "label",
        ):
            assert getattr(photo, name) == row[name], name
        assert photo.license is None
        assert photo.read() == Path(row["uri"]).read_bytes()
        assert sha256(photo.read()).hexdigest() == photo.sha256


def test_the_newest_version_is_read_unless_another_is_named(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    author(run, [0], question="Is it new?")
    freeze(Run.open(str(run)))
    assert {pair.question for pair in read_benchmark(Run.open(str(run))).pairs} >= {"Is it new?"}
    first = read_benchmark(Run.open(str(run)), 1)
    assert first.version == 1
    assert "Is it new?" not in {pair.question for pair in first.pairs}
    assert first.fingerprint != read_benchmark(Run.open(str(run))).fingerprint
    with pytest.raises(NotCommitted, match="questions-7"):
        read_benchmark(Run.open(str(run)), 7)


def test_without_a_version_people_are_waited_for(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    author(run, [0])
    with pytest.raises(Waiting, match="blindpairs freeze"):
        read_benchmark(Run.open(str(run)))


def test_uses_and_what_a_form_takes_are_told_apart(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 4)
    author(run, [0], left_statement="")
    author(run, [1], question="", option_a="", option_b="", left_answer="")
    author(run, [2], use="training")
    author(run, [3])
    freeze(Run.open(str(run)))
    whole = read_benchmark(Run.open(str(run)))
    assert [len(whole.of(having=one).pairs) for one in (asks, states, lambda pair: True)] == [2, 2, 3]
    assert len(whole.of("training").pairs) == 1
    assert {pair.use for pair in whole.of().pairs} == {"benchmark"}
    assert whole.of().version == whole.version


def test_reviewers_of_a_pair_are_those_who_answered_both_images(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    (pair,) = author(run, [0])
    store = Store(run / NAME)
    for side, person in (("left", "cat"), ("left", "dan"), ("right", "bob"), ("right", "cat"), ("right", "dan")):
        store.answer(Answer(pair.left_id, pair.right_id, side, person, "a", asked(pair), "now"))
    store.close()
    freeze(Run.open(str(run)))
    assert [(one.reviewed_by, one.missed_by) for one in read_benchmark(Run.open(str(run))).pairs] == [
        (("cat", "dan"),) * 2
    ]
    assert sorted(row["reviewed_by"] for row in rows_of(run)) == [["bob", "cat", "dan"], ["cat", "dan"]]


def listing(run: Path, *places: int) -> None:
    """Make the pairs table anew of the pairs in these places, the others without a rank."""
    rows = sorted(dataset(run / "pairs").to_table().to_pylist(), key=lambda row: row["rank"])
    for place in {*range(len(rows))} - {*places}:
        rows[place] |= {"rank": None, "group": None, "reason": "near_duplicates"}
    for path in (run / "pairs").iterdir():
        path.unlink()
    committed(run / "pairs", PAIRS, pa.Table.from_pylist(rows, schema=PAIRS.columns))


def test_pairs_that_other_thresholds_found_are_known(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 4)
    ids = pairs_of(run)
    assert read_benchmark(Run.open(str(run))).unlisted == frozenset()
    listing(run, 0)
    assert read_benchmark(Run.open(str(run))).unlisted == {*ids[1:]}
    for path in (run / "pairs").iterdir():  # as in an imported run
        path.unlink()
    assert read_benchmark(Run.open(str(run))).unlisted == frozenset()


def test_of_a_part_of_a_benchmark_only_its_own_pairs_are_known_so(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2, training=3)
    ids = pairs_of(run)
    listing(run, 0)
    whole = read_benchmark(Run.open(str(run)))
    assert whole.unlisted == {*ids[1:]}
    assert (whole.of().unlisted, whole.of("training").unlisted) == ({ids[1]}, {*ids[2:]})
    assert whole.of(having=lambda pair: False).unlisted == frozenset()


def images_again(run: Path, rows: list[dict]) -> None:
    """Make the images table anew of these rows."""
    for path in (run / "images").iterdir():
        path.unlink()
    committed(run / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))


@pytest.mark.parametrize("how", ["gone", "rejected"])
def test_a_question_about_an_image_that_the_run_has_no_more_is_refused(tmp_path: Path, how: str) -> None:
    run = frozen_run(tmp_path, 2)
    lost = pairs_of(run)[0][1]
    rows = dataset(run / "images").to_table().to_pylist()
    kept = [row for row in rows if row["image_id"] != lost]
    odd = [row | {"status": "truncated", "error": "x"} for row in rows if row["image_id"] == lost]
    images_again(run, kept if how == "gone" else kept + odd)
    with pytest.raises(Refused, match=f"questions-1 asks about {lost}, which is not among the images of"):
        read_benchmark(Run.open(str(run)))


def test_an_image_whose_file_is_gone_is_known_until_it_is_read(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 1)
    (first, _) = read_benchmark(Run.open(str(run))).photos
    Path(first.uri).unlink()
    assert read_benchmark(Run.open(str(run))).photos[0] == first
    with pytest.raises(ImageRefused, match="No such file"):
        first.read()


@pytest.mark.parametrize("data", [drawn(9), b"no image"], ids=["another photo", "garbage"])
def test_bytes_that_are_not_those_the_run_read_are_not_given_out(tmp_path: Path, data: bytes) -> None:
    (first, second) = read_benchmark(Run.open(str(frozen_run(tmp_path, 1)))).photos
    Path(first.uri).write_bytes(data.ljust(first.length, b"\0"))
    with pytest.raises(ImageRefused, match=f"{first.uri}: its bytes were changed since the run read it") as refused:
        first.read()
    assert refused.value.status == CHANGED
    assert sha256(second.read()).hexdigest() == second.sha256


def test_what_it_was_made_of_is_known_by_name(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 1)
    benchmark = read_benchmark(Run.open(f"{run}/"))
    assert benchmark.name == "made"
    assert benchmark.made_of == {}  # its steps were made by hand


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 29), unique=True), st.lists(st.integers(1, 9), max_size=4))
def test_photos_are_found_in_any_shard(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[int], shards: list[int]
) -> None:
    root = tmp_path_factory.mktemp("photos")
    rows = [image_row(root, number) for number in range(sum(shards))]
    committed(root / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns), shards)
    ids = {rows[number]["image_id"] for number in wanted if number < len(rows)}
    found = photos_of(Run.open(str(root)), ids | {"unknown"})
    assert set(found) == ids
    assert all(photo.image_id == name for name, photo in found.items())


def tampered(run: Path, change: dict) -> None:
    """The version's rows written anew, the second one with this change."""
    rows = rows_of(run)
    rows[1] |= change
    for path in (run / "questions-1").iterdir():
        path.unlink()
    committed(run / "questions-1", QUESTIONS, pa.Table.from_pylist(rows, schema=QUESTIONS.columns))


@pytest.mark.parametrize("change", [{"question": "Another?"}, {"options": ["x", "y"]}, {"left_id": "0"}])
def test_two_rows_that_are_no_pair_are_not_read_as_one(tmp_path: Path, change: dict) -> None:
    run = frozen_run(tmp_path, 2)
    tampered(run, change)
    with pytest.raises(Refused):
        read_benchmark(Run.open(str(run)))
