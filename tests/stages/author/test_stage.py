"""The author stage: people's work becomes rows, two a whole pair; everything else they touched is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world.authoring import written

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.tables import QUESTIONS, question_id
from stages.author.answers import Answer, asked
from stages.author.stage import Author
from stages.author.store import NAME, Store


class Images:
    """An images manifest that has every image these tests name."""

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        ids = [f"{side}{number:03d}" for side in "lr" for number in range(500)]
        yield pa.RecordBatch.from_pylist([{"image_id": one, "status": "ok"} for one in ids])
        yield pa.RecordBatch.from_pylist([{"image_id": "l777", "status": "unreadable"}])


READS: Any = {"images": Images()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / NAME)
    yield opened
    opened.close()


def made(store: Store) -> tuple[list[dict[str, Any]], Counts]:
    """The rows in order, which must conform, and the counts, which must add up."""
    stage = Author(store.path)
    (task,) = stage.plan({})
    (part,) = stage.process(task, READS)
    assert stage.schema().conform(part.table).num_rows == part.table.num_rows
    part.counts.check("here")
    assert part.counts.seen == stage.expected({})
    return sorted(part.table.to_pylist(), key=lambda row: row["place"]), part.counts


def wrote(store: Store, place: int, by: str = "ann", **more: str) -> Any:
    return store.change(store.pair(f"l{place:03d}", f"r{place:03d}"), written(place) | more, by)


NOTHING = dict.fromkeys(("question", "option_a", "option_b", "left_answer"), "")
UNSTATED = dict.fromkeys(("left_statement", "right_statement", "pattern"), "")


def test_a_whole_pair_is_two_rows_that_say_all_of_it(store: Store) -> None:
    pair = wrote(store, 1)
    rows, counts = made(store)
    shared = {
        "left_id": "l001",
        "right_id": "r001",
        "use": "benchmark",
        "pattern": "orientation",
        "question": "Is thing 1 open or closed?",
        "options": ["Open", "Closed"],
        "author": "ann",
        "authored_at": pair.authored_at,
        "reviewed_by": [],
        "missed_by": [],
        **dict.fromkeys(("blind_cosine", "reference_cosine", "thresholds")),  # the run has no pairs
    }
    left = {"side": "left", "image_id": "l001", "answer": "b", "statement": "an open thing 1"}
    right = {"side": "right", "image_id": "r001", "answer": "a", "statement": "a closed thing 1"}
    told = sorted(rows, key=lambda row: row["side"])
    for row, own in zip(told, (left, right), strict=True):
        rest = {"question_id": question_id("l001", "r001", row["side"]), "place": row["place"]}
        assert row == {**shared, **own, **rest}
    assert [row["place"] for row in rows] == [1, 2]
    assert counts == Counts(1, 1)


def test_what_is_not_whole_is_counted_with_what_became_of_it(store: Store) -> None:
    for place, more in enumerate(
        ({}, {"decision": "rejected"}, {"decision": "rejected"}, {"decision": "duplicate"}, {"decision": "open"},
         {**UNSTATED, "question": ""}, {**UNSTATED, "left_answer": ""}, {**NOTHING, "pattern": ""})
    ):  # fmt: skip
        wrote(store, place, **more)
    store.change(store.pair("l900", "r900"), written(9), "ann", draft="some-model")
    rows, counts = made(store)
    assert counts == Counts(9, 1, {"duplicate": 1, "not_written_out": 4, "open": 1, "rejected": 2})
    assert len(rows) == 2


def test_keys_pressed_on_empty_fields_are_not_counted(store: Store) -> None:
    wrote(store, 0)
    for place, (name, value) in enumerate((("left_answer", "a"), ("pattern", "count"), ("use", "training")), 1):
        store.change(store.pair(f"l{place:03d}", f"r{place:03d}"), {name: value}, "ann")
    assert made(store)[1] == Counts(1, 1)


def test_a_whole_part_goes_in_and_the_begun_other_stays_out(store: Store) -> None:
    wrote(store, 0, question="")
    wrote(store, 1, left_answer="")
    wrote(store, 2, option_b="OPEN")
    wrote(store, 3, left_statement="")
    rows, counts = made(store)
    assert counts == Counts(4, 4)
    told = {row["left_id"]: [row[name] is None for name in ("question", "options", "answer")] for row in rows}
    assert told == {"l000": [True] * 3, "l001": [True] * 3, "l002": [True] * 3, "l003": [False] * 3}
    assert {row["left_id"] for row in rows if row["statement"] is None} == {"l003"}


def test_a_pair_with_statements_alone_has_no_question(store: Store) -> None:
    wrote(store, 0, **NOTHING)
    rows, _ = made(store)
    assert [(row["question"], row["options"], row["answer"]) for row in rows] == [(None, None, None)] * 2
    assert {row["statement"] for row in rows} == {"an open thing 0", "a closed thing 0"}


def test_a_pair_with_a_question_alone_has_no_statement(store: Store) -> None:
    wrote(store, 0, right_statement="")
    wrote(store, 1, pattern="")
    rows, counts = made(store)
    assert [row["statement"] for row in rows] == [None] * 4
    assert {row["pattern"] for row in rows} == {"orientation", None}
    assert counts.ok == 2


def test_reviewers_are_those_who_answered_the_question_as_it_is(store: Store) -> None:
    pair = wrote(store, 0)
    for side, person in (("left", "dan"), ("left", "bob"), ("right", "cat")):
        store.answer(Answer("l000", "r000", side, person, "a", asked(pair), "now"))
    store.answer(Answer("l000", "r000", "right", "eve", "a", "of other words", "now"))
    rows = {row["side"]: row["reviewed_by"] for row in made(store)[0]}
    assert rows == {"left": ["bob", "dan"], "right": ["cat"]}
    store.change(pair, {"question": "Another?"}, "ann")
    assert [row["reviewed_by"] for row in made(store)[0]] == [[], []]


def test_who_ever_wrote_words_of_it_reviews_it_not(store: Store) -> None:
    wrote(store, 0, by="ann")
    pair = wrote(store, 0, by="bob", option_b="Shut")
    for person in ("ann", "Ann", "bob", " BOB ", "cat"):
        store.answer(Answer("l000", "r000", "left", person, "a", asked(pair), "now"))
    rows = {row["side"]: row["reviewed_by"] for row in made(store)[0]}
    assert rows == {"left": ["cat"], "right": []}


def test_a_mended_answer_keeps_its_reviewers(store: Store) -> None:
    pair = wrote(store, 1)
    store.answer(Answer("l001", "r001", "left", "bob", "a", asked(pair), "now"))
    store.change(pair, {"left_answer": "a"}, "ann")
    rows = {row["side"]: (row["answer"], row["reviewed_by"], row["missed_by"]) for row in made(store)[0]}
    assert rows == {"left": ("a", ["bob"], []), "right": ("b", [], [])}
    store.change(store.pair("l001", "r001"), {"left_answer": "b"}, "ann")
    assert [row["missed_by"] for row in made(store)[0] if row["side"] == "left"] == [["bob"]]


def test_a_later_answer_of_a_reviewer_is_another_source(store: Store) -> None:
    pair, found = wrote(store, 0), set()
    for chosen in ("a", "b"):
        store.answer(Answer("l000", "r000", "left", "bob", chosen, asked(pair), "now"))
        found.add(Author(store.path).external_state()["author"]["sha256"])
    assert len(found) == 2


def test_an_empty_store_is_no_rows(store: Store) -> None:
    assert made(store) == ([], Counts())


def hash_of(store: Store) -> Mapping[str, Any]:
    found = Author(store.path).external_state()
    assert json.loads(json.dumps(found)) == found
    return found


def test_what_it_was_made_of_changes_with_any_work_and_only_with_work(store: Store) -> None:
    pair = wrote(store, 0)
    seen = [hash_of(store)]
    assert hash_of(store) == seen[0]
    answer = Answer("l000", "r000", "left", "bob", "a", asked(pair), "now")
    for work in (
        lambda: store.answer(answer),
        lambda: store.change(pair, {"pattern": "text"}, "ann"),
        lambda: store.change(store.pair("l009", "r009"), {"decision": "rejected"}, "ann"),
    ):
        work()
        seen.append(hash_of(store))
    assert len({json.dumps(one) for one in seen}) == 4
    store.change(store.pair("l000", "r000"), {"question": "A slip?"}, "bob")
    store.undo("bob")
    assert hash_of(store) == seen[-1]
    store.answer(Answer("l000", "r000", "left", "ann", "a", asked(store.pair("l000", "r000")), "now"))  # her own
    assert hash_of(store) == seen[-1]


def test_what_is_hashed_is_what_is_written_though_people_write_meanwhile(store: Store) -> None:
    wrote(store, 0)
    stage = Author(store.path)
    before = stage.external_state()
    wrote(store, 1)
    (part,) = stage.process(stage.plan({})[0], READS)
    assert part.table.num_rows == 2
    assert stage.expected({}) == 1
    assert stage.external_state() == before != Author(store.path).external_state()


def test_a_store_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database" * 100)
    with pytest.raises(Refused):
        Author(tmp_path / NAME).external_state()


parts = st.dictionaries(
    st.sampled_from(["decision", "question", "option_b", "left_answer", "left_statement", "pattern", "use", "draft"]),
    st.integers(0, 3),
    max_size=4,
)
VALUES = {"decision": ["kept", "kept", "open", "rejected"], "left_answer": ["a", "b", "", "a"],
          "pattern": ["", "text", "state", ""], "use": ["benchmark", "training", "training", "benchmark"]}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(parts, max_size=9))
def test_any_work_adds_up_and_the_two_images_of_a_pair_are_opposite(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[dict[str, int]]
) -> None:
    store = Store(tmp_path_factory.mktemp("any") / NAME)
    for place, drawn in enumerate(pairs):
        changes = {name: VALUES.get(name, ["", "x", "y", ""])[value] for name, value in drawn.items()}
        draft = changes.pop("draft", "")
        store.change(store.pair(f"l{place}", f"r{place}"), written(place) | changes, "ann", draft)
    rows, counts = made(store)
    store.close()
    assert counts.seen == len(pairs)
    assert len(rows) == 2 * counts.ok
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    assert len({row["question_id"] for row in rows}) == len(rows)
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        assert {first["side"], second["side"]} == {"left", "right"}
        for name in ("left_id", "right_id", "question", "options", "use", "pattern", "author"):
            assert first[name] == second[name]
        assert {first["answer"], second["answer"]} in ({"a", "b"}, {None})
        assert (first["question"] is None) == (first["answer"] is None) == (first["options"] is None)
        assert (first["statement"] is None) == (second["statement"] is None)
        assert first["question"] is not None or first["statement"] is not None
    uses = [row["use"] for row in rows]
    assert uses == sorted(uses)  # the benchmark's before those for training


def test_the_rows_are_questions(store: Store) -> None:
    wrote(store, 0)
    stage = Author(store.path)
    (part,) = stage.process(stage.plan({})[0], READS)
    assert stage.table() == (QUESTIONS.name, QUESTIONS.version)
    assert part.table.schema.equals(QUESTIONS.columns)


def test_a_pair_whose_image_the_run_has_no_more_is_counted(store: Store) -> None:
    for place in (1, 777, 999):
        wrote(store, place)
    rows, counts = made(store)
    assert {row["left_id"] for row in rows} == {"l001"}
    assert counts == Counts(3, 1, {"image_gone": 2})


def test_a_pair_of_which_all_was_undone_is_none(store: Store) -> None:
    wrote(store, 1)
    before = Author(store.path).external_state()
    wrote(store, 2)
    store.undo("ann")
    assert store.pair("l002", "r002").version == 2  # it is in the store, and says nothing
    assert Author(store.path).external_state() == before
    assert made(store)[1] == Counts(1, 1)
    wrote(store, 3, decision="open")
    assert made(store)[1] == Counts(2, 1, {"open": 1})
