"""Placing: half of the first images are (a), whatever the pairs; imported benchmarks stay as they were."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from stages.author.authored import Authored
from stages.author.question_order import placed
from stages.patterns import PATTERNS

NAMES = [pattern.name for pattern in PATTERNS]


def pair(number: int, letter: str = "a", **more: object) -> Authored:
    return Authored(f"l{number}", f"r{number}", decision="kept", left_answer=letter, **more)  # type: ignore[arg-type]


def firsts(pairs: list[Authored]) -> list[str]:
    """The right letter of the first image of each pair, in order."""
    return [one.pair.answer(one.first) for one in placed(pairs)]


letters = st.lists(st.sampled_from("ab"), max_size=40)


@settings(deadline=None)
@given(letters)
def test_half_of_the_first_images_are_a_whatever_the_author_did(said: list[str]) -> None:
    found = firsts([pair(number, letter) for number, letter in enumerate(said)])
    assert abs(found.count("a") - found.count("b")) <= 1


@settings(deadline=None)
@given(st.integers(1, 60))
def test_half_of_the_first_images_of_statements_alone_are_left(count: int) -> None:
    found = [one.first for one in placed([pair(number, "") for number in range(count)])]
    assert abs(found.count("left") - found.count("right")) <= 1


def test_half_of_the_benchmarks_first_images_are_a_beside_pairs_for_training() -> None:
    for offset in range(0, 1000, 20):
        pairs = [pair(offset + n, use="training" if n % 2 else "benchmark") for n in range(20)]
        letters_of = [one.pair.answer(one.first) for one in placed(pairs) if one.pair.use == "benchmark"]
        assert letters_of.count("a") == 5


def test_half_of_the_questions_first_images_are_a_beside_statements() -> None:
    for offset in range(0, 1000, 20):
        pairs = [pair(offset + n, "" if n % 2 else "a") for n in range(20)]
        letters_of = [letter for letter in firsts(pairs) if letter]
        assert letters_of.count("a") == 5


def written(draw: st.DrawFn) -> list[Authored]:
    """Any mix of uses, patterns, letters, and imported pairs with places of their own."""
    places = draw(st.permutations(range(1, 9)))
    pairs = []
    for number in range(draw(st.integers(0, 12))):
        first = draw(st.sampled_from(["", "left", "right"]))
        more = {"first": first, "place": places[number % 8] + 8 * (number // 8)} if first else {}
        use, pattern = draw(st.sampled_from(["benchmark", "training"])), draw(st.sampled_from(["", *NAMES]))
        pairs.append(pair(number, draw(st.sampled_from(["", "a", "b"])), use=use, pattern=pattern, **more))
    return pairs


mixes = st.composite(written)()


@settings(deadline=None)
@given(mixes, st.randoms(use_true_random=False))
def test_placing_depends_on_the_pairs_and_not_on_their_order(pairs: list[Authored], dice: Random) -> None:
    shuffled = pairs.copy()
    dice.shuffle(shuffled)
    assert list(placed(shuffled)) == list(placed(pairs))


@settings(deadline=None)
@given(mixes)
def test_every_pair_comes_once_in_the_order_of_use_import_and_pattern(pairs: list[Authored]) -> None:
    found = [one.pair for one in placed(pairs)]
    assert sorted(found, key=lambda one: one.left_id) == sorted(pairs, key=lambda one: one.left_id)
    for use in ("benchmark", "training"):
        imported = [one.place for one in found if one.use == use and one.place]
        assert imported == sorted(imported)
        own = [(NAMES.index(one.pattern) if one.pattern else 9) for one in found if one.use == use and not one.place]
        assert own == sorted(own)
    order = [(one.use == "training", not one.place) for one in found]
    assert order == sorted(order)


@settings(deadline=None)
@given(mixes)
def test_imported_pairs_keep_which_image_comes_first(pairs: list[Authored]) -> None:
    for one in placed(pairs):
        assert one.first == (one.pair.first or one.first)
        assert set(one.sides) == {"left", "right"}
        assert one.sides[0] == one.first


def test_what_is_said_of_a_pair_does_not_move_it() -> None:
    pairs = [pair(number, "ab"[number % 2]) for number in range(30)]
    reworded = [replace(one, question="other", author="bob", version=7) for one in pairs]
    assert [(one.pair.left_id, one.first) for one in placed(reworded)] == [
        (one.pair.left_id, one.first) for one in placed(pairs)
    ]


def test_an_author_who_exchanges_the_options_moves_no_letter() -> None:
    pairs = [pair(number) for number in range(30)]
    exchanged = [replace(one, left_answer="b") if number % 3 else one for number, one in enumerate(pairs)]
    assert firsts(exchanged) == firsts(pairs)
