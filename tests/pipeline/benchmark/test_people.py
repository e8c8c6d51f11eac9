"""People who answer blind: what they are asked and in which order, which answers count, and what they got right."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean as average

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.dataset import dataset
from world.authoring import author, paired_run, pairs_of

from manifests.errors import Refused, Waiting
from manifests.storage import Folder
from pipeline.benchmark.asking import queue_for
from pipeline.benchmark.missed import missed
from pipeline.benchmark.people import PeopleSummary, people
from pipeline.run.run import Run
from stages.accuracy import exact, mean
from stages.author.answers import Answer, asked
from stages.author.authored import KEPT, REJECTED, TRAINING, Authored
from stages.author.store import NAME, Store

SIDES = ("left", "right")


def pair(number: int, **changes: object) -> Authored:
    """A whole pair that ann wrote; the left image of an even one is (a)."""
    words = {
        "question": f"Is {number} open?",
        "option_a": "Open",
        "option_b": "Closed",
        "left_answer": "ab"[number % 2],
    }
    known = {"decision": KEPT, "author": "ann", "version": 1, **words, **changes}
    return Authored(f"{number:04d}l", f"{number:04d}r", **known)  # type: ignore[arg-type]


def answer(one: Authored, side: str, person: str, *, right: bool = True) -> Answer:
    chosen = one.answer(side) if right else "ab".replace(one.answer(side), "")
    return Answer(one.left_id, one.right_id, side, person, chosen, asked(one), "2026-01-01T00:00:00+00:00")


def ids(one: Authored) -> tuple[str, str]:
    return one.left_id, one.right_id


def told(root: Path, wrong: Mapping[str, Iterable[tuple[int, str]]], pairs: int = 10) -> PeopleSummary:
    """A run of which these people answered all questions, all right but these (number of the pair, side)."""
    run = paired_run(root, pairs)
    author(run, range(pairs))
    store = Store(run / NAME)
    written = {pair: store.pair(*pair) for pair in pairs_of(run)}
    for person, missed_ones in wrong.items():
        odd = {(pairs_of(run)[number], side) for number, side in missed_ones}
        for one in written.values():
            for side in SIDES:
                store.answer(answer(one, side, person, right=(ids(one), side) not in odd))
    store.close()
    return people(Run.open(str(run)), run / NAME)


# asking


@settings(deadline=None)
@given(st.integers(0, 40), st.text(min_size=1, max_size=5).filter(str.strip), st.integers(0, 3))
def test_everyone_is_asked_both_images_of_each_pair_once_and_apart(count: int, person: str, seed: int) -> None:
    queue = queue_for([pair(number) for number in range(count)], [], person, seed)
    assert sorted((one.left_id, side) for one, side in queue) == sorted(
        (pair(number).left_id, side) for number in range(count) for side in SIDES
    )
    places = [[at for at, (one, _) in enumerate(queue) if one == pair(number)] for number in range(count)]
    assert all(second - first >= max(1, count // 2) for first, second in places)


def test_the_order_is_shuffled_and_each_persons_own_but_always_the_same() -> None:
    pairs = [pair(number) for number in range(60)]
    bob = queue_for(pairs, [], "bob")
    assert bob == queue_for(pairs[::-1], [], "bob")
    assert [one for one, _ in bob[:60]] != pairs
    assert [one for one, _ in bob[60:]] != [one for one, _ in bob[:60]]
    assert bob != queue_for(pairs, [], "cat")
    assert bob != queue_for(pairs, [], "bob", seed=1)


def test_which_image_comes_first_tells_nothing_of_the_answer() -> None:
    first = queue_for([pair(number) for number in range(400)], [], "bob")[:400]
    assert 150 < sum(side == "left" for _, side in first) < 250
    assert 150 < sum(one.answer(side) == "a" for one, side in first) < 250


def test_what_was_answered_is_not_asked_again_and_the_rest_keeps_its_order() -> None:
    pairs = [pair(number) for number in range(20)]
    queue = queue_for(pairs, [], "bob")
    done = [answer(one, side, "bob", right=False) for one, side in queue[:13]]
    others = [answer(one, side, "cat") for one, side in queue]
    assert queue_for(pairs, [*done, *others], "bob") == queue[13:]
    assert queue_for(pairs, [*done, *others], "cat") == []


@pytest.mark.parametrize("word", ["question", "option_a", "option_b"])
def test_a_question_that_was_changed_is_asked_again(word: str) -> None:
    before, other = pair(0), pair(1)
    answers = [answer(one, side, "bob") for one in (before, other) for side in SIDES]
    now = replace(before, **{word: "other words"})
    assert [one for one, _ in queue_for([now, other], answers, "bob")] == [now, now]
    assert queue_for([replace(before, pattern="state", version=9), other], answers, "bob") == []


@pytest.mark.parametrize("name", ["ann", "Ann", " ann "])
def test_nobody_is_asked_what_they_wrote(name: str) -> None:
    pairs = [pair(0), pair(1, author="bob")]
    assert {one.left_id for one, _ in queue_for(pairs, [], name)} == {pairs[1].left_id}


@pytest.mark.parametrize("name", ["bob", "Bob ", "cat", "ann"])
def test_nobody_is_asked_what_they_wrote_words_of_before_another_did(name: str) -> None:
    pairs = [pair(0, writers="bob\ncat\nann"), pair(1, author="eve", writers="dan\neve")]
    assert {one.left_id for one, _ in queue_for(pairs, [], name)} == {pairs[1].left_id}


@pytest.mark.parametrize(
    "odd",
    [{"decision": REJECTED}, {"decision": "open"}, {"draft": "model"}, {"question": ""}, {"use": TRAINING},
     {"question": "", "option_a": "", "option_b": "", "left_answer": "", "left_statement": "x", "right_statement": "y",
      "pattern": "state"}],
    ids=["rejected", "open", "draft", "half", "training", "statements"],
)  # fmt: skip
def test_only_whole_questions_of_the_benchmark_are_asked_and_counted(odd: Mapping[str, str]) -> None:
    one = pair(0, **odd)
    assert queue_for([one], [], "bob") == []
    assert missed([one], [answer(one, "left", "bob", right=False)]) == {}


# which answers count


def test_a_missed_pair_goes_back_with_the_names_of_who_missed_it() -> None:
    pairs = [pair(number) for number in range(4)]
    answers = [
        answer(pairs[0], "left", "bob"),
        answer(pairs[0], "right", "cat"),
        answer(pairs[1], "left", "dan", right=False),
        answer(pairs[1], "right", "dan", right=False),
        answer(pairs[1], "right", "bob", right=False),
        answer(pairs[2], "right", "ann", right=False),  # their own
        replace(answer(pairs[3], "left", "bob", right=False), asked="0" * 16),  # of other words
        answer(pair(9), "left", "bob", right=False),  # no pair any more
    ]
    assert missed(pairs, answers) == {ids(pairs[1]): ("bob", "dan")}


def test_answers_that_do_not_count_are_counted_apart(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 3)
    first, second, third = author(run, range(3), by="ann")
    store = Store(run / NAME)
    for one in (
        answer(first, "left", "bob"),
        answer(first, "right", "ann"),
        answer(second, "left", "bob", right=False),
    ):
        store.answer(one)
    store.answer(answer(third, "left", "bob"))
    store.change(third, {"question": "Another?"}, "ann")
    store.change(second, {"decision": "rejected"}, "ann")
    store.close()
    found = people(Run.open(str(run)), run / NAME)
    assert (found.asked, found.own, found.changed) == (2, 1, 2)
    assert [(one.name, one.questions.right, one.questions.of) for one in found.people] == [("bob", 1, 1)]
    assert found.missed == ()
    assert "2 answers to what was changed or dropped" in str(found)
    assert "1 answer of authors to their own questions" in str(found)


def test_an_earlier_authors_answers_do_not_count_however_the_name_is_spelt(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    author(run, [0], by="ann")
    (one,) = author(run, [0], by="bob", option_a="Ajar")
    store = Store(run / NAME)
    for person in ("ann", "ANN", "bob", "cat"):
        store.answer(answer(one, "left", person, right=False))
    store.close()
    found = people(Run.open(str(run)), run / NAME)
    assert (found.own, [person.name for person in found.people], found.missed[0].people) == (3, ["cat"], ("cat",))


def test_who_only_decided_over_anothers_words_counts(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    (one,) = author(run, [0], by="ann")
    store = Store(run / NAME)
    store.change(store.change(one, {"decision": "open"}, "bob"), {"decision": "kept", "pattern": "text"}, "bob")
    store.answer(answer(one, "left", "bob"))
    store.close()
    found = people(Run.open(str(run)), run / NAME)
    assert (found.own, [person.name for person in found.people]) == (0, ["bob"])


def test_an_answer_counts_though_the_right_letter_was_mended_since(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    (one,) = author(run, [0], by="ann")
    store = Store(run / NAME)
    store.answer(answer(one, "left", "bob", right=False))
    store.change(one, {"left_answer": one.answer("right")}, "ann")
    store.close()
    found = people(Run.open(str(run)), run / NAME)
    assert (found.changed, found.people[0].questions.right, found.missed) == (0, 1, ())


def test_what_was_missed_is_named_by_source_and_key(tmp_path: Path) -> None:
    found = told(tmp_path, {"bob": [(0, "right")]}, pairs=1)
    keys = {row["image_id"]: row["key"] for row in dataset(tmp_path / "made" / "images").to_table().to_pylist()}
    right_id = pairs_of(tmp_path / "made")[0][1]
    assert f'"Is thing 0 open or closed?" of photos/{keys[right_id]}: bob' in str(found)
    assert found.to_json()["missed"][0]["image"] == f"photos/{keys[right_id]}"


def test_a_later_answer_takes_the_place_of_the_first(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    (one,) = author(run, [0])
    store = Store(run / NAME)
    store.answer(answer(one, "left", "bob", right=False))
    store.answer(answer(one, "left", "bob"))
    store.close()
    assert people(Run.open(str(run)), run / NAME).people[0].questions.right == 1


# what they got right


def test_questions_pairs_and_what_was_missed_are_counted_person_by_person(tmp_path: Path) -> None:
    wrong = {"bob": [(0, "left"), (0, "right"), (3, "right")], "cat": [(3, "right")], "dan": []}
    found = told(tmp_path, wrong)
    assert [(p.name, p.questions.right, p.questions.of, p.pairs.right, p.pairs.of) for p in found.people] == [
        ("bob", 17, 20, 8, 10),
        ("cat", 19, 20, 9, 10),
        ("dan", 20, 20, 10, 10),
    ]
    assert found.questions.value == pytest.approx((17 / 20 + 19 / 20 + 1) / 3)
    assert found.pairs.value == pytest.approx((0.8 + 0.9 + 1) / 3)
    assert (found.missed[0].side, found.missed[0].people) == ("right", ("bob", "cat"))
    assert len(found.missed) == 3
    # bob differs from dan thrice and from cat twice, cat from dan once, of 20 questions each
    assert (found.agreement.same, found.agreement.twos) == (60 - 6, 60)


def test_a_pair_of_which_one_question_was_answered_is_no_pair(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    first, second = author(run, range(2))
    store = Store(run / NAME)
    for one in (
        answer(first, "left", "bob"),
        answer(second, "left", "bob"),
        answer(second, "right", "bob", right=False),
    ):
        store.answer(one)
    store.close()
    (bob,) = people(Run.open(str(run)), run / NAME).people
    assert (bob.questions.right, bob.questions.of) == (2, 3)
    assert (bob.pairs.right, bob.pairs.of) == (0, 1)


def test_a_person_reads_names_figures_how_and_what_was_missed(tmp_path: Path) -> None:
    lines = str(told(tmp_path, {"bob\x1b[1m": [(0, "left")], "cat": []})).splitlines()
    assert lines[0].endswith(": 2 people of 10 pairs")
    assert lines[1].split("  ")[0] == "person"
    assert " ".join(lines[2].split()) == "bob?[1m 20 95.0 % 75.1 % to 99.9 % 10 90.0 % 55.5 % to 99.7 %"
    assert " ".join(lines[3].split()) == "cat 20 100.0 % 83.2 % to 100.0 % 10 100.0 % 69.2 % to 100.0 %"
    assert lines[4].startswith("mean question accuracy 97.5 % (95 % interval ")
    assert "; mean pair accuracy 95.0 % (95 % interval " in lines[4]
    assert "drawing the pairs anew 2,000 times" in lines[5]
    assert "95.7 %" in lines[5]
    assert lines[6].startswith("agreement: 95.0 % (19 of 20 pairs of answers), Krippendorff's alpha 0.9")
    assert lines[7].endswith("shows them): 1")
    assert lines[8].strip().startswith('"Is thing 0 open or closed?" of ')
    assert lines[8].endswith(": bob?[1m")


def test_a_program_gets_all_of_it(tmp_path: Path) -> None:
    found = told(tmp_path, {"bob": [(4, "right")]})
    value = json.loads(json.dumps(found.to_json()))
    assert value["people"][0]["questions"] == {"right": 19, "of": 20, "accuracy": 0.95, "interval": list(exact(19, 20))}
    assert value["missed"][0]["people"] == ["bob"]
    assert value["missed"][0]["side"] == "right"
    assert value["left_out"] == {"changed": 0, "own": 0}
    assert value["agreement"]["alpha"] is None
    assert "Clopper" in value["how"]


def test_without_a_store_or_an_answer_people_are_waited_for(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    with pytest.raises(Waiting, match=f"`blindpairs author {run}`"):
        people(Run.open(str(run)), run / NAME)
    assert not (run / NAME).exists()
    author(run, [0])
    with pytest.raises(Waiting, match=f"`blindpairs author {run} --answer NAME`"):
        people(Run.open(str(run)), run / NAME)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(Refused, match=NAME):
        people(Run(Folder("runs/x")), tmp_path / NAME)


# how far it is known


def tail(right: int, of: int, share: float) -> float:
    """How often as many or more are right, where each is with this chance."""
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(right, of + 1))


@pytest.mark.parametrize(("right", "of"), [(1, 2), (7, 10), (287, 300), (143, 150)])
def test_a_persons_interval_ends_where_one_in_forty_would_go_beyond(right: int, of: int) -> None:
    low, high = exact(right, of)
    assert tail(right, of, low) == pytest.approx(0.025)
    assert 1 - tail(right + 1, of, high) == pytest.approx(0.025)
    assert exact(0, of) == (0.0, pytest.approx(1 - 0.025 ** (1 / of)))
    assert exact(of, of) == (pytest.approx(0.025 ** (1 / of)), 1.0)


def drawn_again(people_right: list[list[int]], draws: int = 3000) -> tuple[float, float]:
    """The same bootstrap in plain Python, by other dice: people x pairs, each so many right of two."""
    dice, pairs = random.Random(5), range(len(people_right[0]))
    means = []
    for _ in range(draws):
        chosen = dice.choices(pairs, k=len(pairs))
        means.append(average(sum(right[at] for at in chosen) / (2 * len(chosen)) for right in people_right))
    means.sort()
    return means[round(0.025 * draws)], means[round(0.975 * draws)]


def test_the_interval_of_the_mean_is_that_of_pairs_drawn_again() -> None:
    dice = random.Random(1)
    right = [[dice.choice((0, 1, 2, 2, 2)) for _ in range(80)] for _ in range(3)]
    found = mean({f"p{n}": {(f"{at}", ""): (count, 2) for at, count in enumerate(one)} for n, one in enumerate(right)})
    assert found.value == pytest.approx(average(sum(one) / 160 for one in right))
    assert found.interval == pytest.approx(drawn_again(right), abs=0.01)


def heads(most: int, of: int) -> float:
    """How often a fair coin, thrown so many times, shows at most so many heads: counted out."""
    return sum(math.comb(of, k) for k in range(most + 1)) / 2**of


def test_one_draw_in_forty_is_below_the_interval_of_the_mean_and_one_above() -> None:
    # half of 100 pairs right: a draw of 100 is 100 throws of a fair coin
    low, high = mean({"bob": {(f"{at}", ""): (at % 2, 1) for at in range(100)}}).interval
    assert heads(39, 100) < 0.025 < heads(40, 100)
    assert heads(41, 100) < 0.05 < heads(42, 100)
    assert low == pytest.approx(0.40, abs=0.011)  # 0.42 where one in twenty is below
    assert high == pytest.approx(0.60, abs=0.011)


def test_two_questions_of_a_pair_that_go_together_widen_the_interval() -> None:
    together = {(f"{at}", ""): (2 * (at % 4 > 0), 2) for at in range(40)}
    apart = {(f"{at}", ""): (1 + (at % 2), 2) for at in range(40)}
    wide, narrow = (mean({"bob": tallies}) for tallies in (together, apart))
    assert wide.value == narrow.value == 0.75
    assert wide.interval[1] - wide.interval[0] > 1.5 * (narrow.interval[1] - narrow.interval[0])


def test_where_all_is_right_the_interval_still_says_how_few_were_asked() -> None:
    for count in (1, 5, 150):
        found = mean({name: {(f"{at}", ""): (2, 2) for at in range(count)} for name in ("bob", "cat")})
        assert found.value == 1
        assert found.interval == (pytest.approx(0.025 ** (1 / count)), 1.0)
    assert mean({"bob": {("1", ""): (0, 2), ("2", ""): (0, 2)}}).interval == (0.0, pytest.approx(1 - 0.025**0.5))
    assert mean({"bob": {("1", ""): (1, 2)}}).interval == (0.0, 1.0)
    assert mean({}).value is None
    assert mean({"bob": {}}).value is None


def test_where_nobody_looks_and_half_is_right_the_interval_is_not_empty() -> None:
    blind = {name: {(str(pair), "r"): (1, 2) for pair in range(150)} for name in ("ann", "bob")}
    found = mean(blind)
    assert found.value == 0.5
    assert found.interval == exact(75, 150)


def test_people_count_alike_however_much_they_answered() -> None:
    few = {("0", ""): (0, 1)}
    many = {(f"{at}", ""): (2, 2) for at in range(50)}
    found = mean({"bob": few, "cat": many})
    assert found.value == 0.5
    assert found.interval == (0.5, 1.0)  # 1 where bob's one pair is not drawn: that is cat's alone


def test_the_same_answers_give_the_same_interval() -> None:
    tallies = {"bob": {(f"{at}", ""): (at % 3 > 0, 1) for at in range(30)}}
    assert mean(tallies) == mean(tallies)
