"""Checks for leaks: letters, order, sizes, formats and names that tell the answer to one who looks at no image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.benchmark.benchmark import Posed, Side
from pipeline.benchmark.checks.leaks import judge_files, judge_names
from pipeline.benchmark.checks.letters import judge_letters, judge_order
from pipeline.benchmark.photos import Photo
from pipeline.findings import Finding

FAIR = "".join("ab"[bit] for bit in np.random.default_rng(1).permutation([0, 1] * 75))


def photo(key: str, **fields: object) -> Photo:
    known = {"width": 64, "height": 64, "format": "JPEG", "length": 1000}
    return Photo(key, "made", key, key, offset=0, sha256=key, **{**known, **fields})  # type: ignore[arg-type]


def pairs(letters: str, photos: Sequence[Photo] | None = None) -> list[tuple[int, Posed]]:
    """Pairs whose first images have these letters, and photos one after another."""
    photos = photos or [photo(f"{place:05d}") for place in range(2 * len(letters))]
    made = []
    for number, letter in enumerate(letters):
        other = "b" if letter == "a" else "a"
        first = Side("1", "left", photos[2 * number], letter, None)
        second = Side("2", "right", photos[2 * number + 1], other, None)
        posed = Posed(first, second, "benchmark", None, "Is it?", ("Open wide", "Closed"), "ann", "now", (), ())
        made.append((number, posed))
    return made


def with_answers(letters: str, **by_letter: tuple[Sequence[object], Sequence[object]]) -> list[tuple[int, Posed]]:
    """Pairs whose photo of pair k for which (a), or (b), is right has the k-th of the first, or second, values."""
    photos = []
    for number, letter in enumerate(letters):
        for of in (letter, "b" if letter == "a" else "a"):
            fields = {name: values["ab".index(of)][number] for name, values in by_letter.items()}
            key = fields.pop("key", f"{number}{of}")
            photos.append(photo(str(key), **fields))
    return pairs(letters, photos)


def code_of(findings: Sequence[Finding]) -> str | None:
    return findings[0].code if findings else None


def chance_of_as_far(count: int, of: int) -> float:
    """How often so many heads of so many, or as far from half, come of a fair coin: counted out."""
    far = abs(2 * count - of)
    return sum(math.comb(of, heads) for heads in range(of + 1) if abs(2 * heads - of) >= far) / 2**of


@settings(deadline=None)
@given(st.integers(1, 200).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_letters_are_unbalanced_where_a_fair_coin_would_hardly_ever_be(counts: tuple[int, int]) -> None:
    count, of = counts
    found = list(judge_letters("a" * count + "b" * (of - count)))
    assert bool(found) == (chance_of_as_far(count, of) < 0.01)
    for finding in found:
        assert f"first image of {count} of {of} pairs" in finding.sentence
        assert (finding.severity, finding.acceptable) == ("error", True)


def test_no_pairs_are_no_finding() -> None:
    for judge in (judge_letters, judge_order):
        assert list(judge("")) == []
    assert list(judge_files([])) == list(judge_names([])) == []


@pytest.mark.parametrize(
    ("letters", "told"),
    [
        ("ab" * 75, "the pair before it in 0 of 149 cases"),
        ("a" * 75 + "b" * 75, "the pair before it in 148 of 149 cases"),
        ("aabb" * 37 + "aa", "the pair 2 before it in 0 of 148 cases"),
        ("aaabbb" * 25, "the pair 3 before it in 0 of 147 cases"),
        ("aabab" * 30, "the pair 5 before it in 145 of 145 cases"),
        ("aab" * 50, "the pair 3 before it in 147 of 147 cases"),
    ],
)
def test_an_order_that_repeats_is_found_with_its_figures(letters: str, told: str) -> None:
    (finding,) = judge_order(letters)
    assert (finding.code, finding.severity, finding.acceptable) == ("order_tells_answer", "error", True)
    assert told in finding.sentence


@pytest.mark.slow
def test_a_fair_order_is_found_in_hardly_any_of_many_shuffles() -> None:
    dice = np.random.default_rng(7)
    for of in (10, 150):
        shuffles = ("".join(dice.permutation(list("ab" * (of // 2)))) for _ in range(100))
        assert sum(bool(list(judge_order(letters))) for letters in shuffles) <= 2


def test_letters_out_of_balance_are_no_order() -> None:
    dice = np.random.default_rng(7)
    letters = "".join(dice.permutation(list("a" * 130 + "b" * 20)))
    assert code_of(list(judge_letters(letters))) == "letters_unbalanced"
    assert list(judge_order(letters)) == []


def test_few_pairs_cannot_tell_an_order() -> None:
    assert [list(judge_order("ab" * count)) for count in range(1, 5)] == [[]] * 4


def auc(of_a: Sequence[int], of_b: Sequence[int]) -> float:
    """How often one of a's is larger than one of b's, ties half, one by one."""
    wins = [1.0 if one > other else 0.5 if one == other else 0.0 for one in of_a for other in of_b]
    return sum(wins) / len(wins)


@pytest.mark.parametrize("field", ["length", "width"])
@pytest.mark.parametrize("larger", "ab")
def test_a_size_that_tells_is_found_with_its_figure(field: str, larger: str) -> None:
    dice = np.random.default_rng(5)
    small, large = dice.integers(100, 200, 150).tolist(), dice.integers(140, 260, 150).tolist()
    of_a, of_b = (large, small) if larger == "a" else (small, large)
    (finding,) = judge_files(with_answers(FAIR, **{field: (of_a, of_b)}))
    assert (finding.code, finding.severity, finding.acceptable) == ("size_tells_answer", "error", True)
    share = max(auc(of_a, of_b), auc(of_b, of_a))
    assert f"which ({larger}) is right has more {'bytes' if field == 'length' else 'pixels'}" in finding.sentence
    assert f"in {share:.0%} of" in finding.sentence


def test_sizes_that_hardly_tell_are_let_be() -> None:
    dice = np.random.default_rng(5)
    small, large = dice.integers(100, 200, 150).tolist(), dice.integers(110, 210, 150).tolist()
    assert 0.5 < auc(large, small) < 0.65
    assert list(judge_files(with_answers(FAIR, length=(large, small)))) == []


def test_sizes_of_few_pairs_are_let_be_for_chance_makes_such() -> None:
    assert list(judge_files(with_answers("abba", length=([9] * 4, [1] * 4)))) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_sizes_drawn_without_looking_at_the_answer_are_no_finding(seed: int) -> None:
    dice = np.random.default_rng(seed)
    of_a, of_b = dice.lognormal(11, 1, (2, 150)).astype(int).tolist()
    width, other = dice.choice([320, 500, 640], (2, 150)).tolist()
    formats = dice.choice(["JPEG", "PNG", "WEBP"], (2, 150)).tolist()
    assert list(judge_files(with_answers(FAIR, length=(of_a, of_b), width=(width, other), format=formats))) == []


def test_a_format_that_tells_is_found_with_its_figure() -> None:
    of_a, of_b = ["PNG"] * 120 + ["JPEG"] * 30, ["JPEG"] * 140 + ["WEBP"] * 10
    (finding,) = judge_files(with_answers(FAIR, format=(of_a, of_b)))
    assert (finding.code, finding.severity, finding.acceptable) == ("format_tells_answer", "error", True)
    assert f"guesses {(120 + 140 + 10) / 300:.0%} of the answers" in finding.sentence
    assert "JPEG 30 (a) and 140 (b), PNG 120 (a) and 0 (b), WEBP 0 (a) and 10 (b)" in finding.sentence


def test_one_odd_format_is_let_be() -> None:
    of_a, of_b = ["PNG"] + ["JPEG"] * 149, ["JPEG"] * 150
    assert list(judge_files(with_answers(FAIR, format=(of_a, of_b)))) == []


def named(right: int, wrong: int = 0, neither: int = 0) -> list[tuple[int, Posed]]:
    """So many pairs whose names say what is right, what is wrong, and nothing."""
    of_a = ["doors/open_wide-1"] * right + ["Closed 2"] * wrong + ["img 17"] * neither
    of_b = ["doors/CLOSED3"] * right + ["Wide open"] * wrong + ["img 18"] * neither
    return with_answers(FAIR[: right + wrong + neither], key=(of_a, of_b))


def test_names_that_hold_the_right_option_are_a_warning() -> None:
    (finding,) = judge_names(named(6, wrong=2, neither=3))
    assert (finding.code, finding.severity) == ("names_tell_answer", "warning")
    assert "6 of 11 pairs" in finding.sentence
    assert not finding.hinders(())


@pytest.mark.parametrize("counts", [(5, 5, 0), (3, 0, 3), (0, 9, 0), (0, 0, 9)])
def test_names_of_half_of_the_pairs_are_let_be(counts: tuple[int, int, int]) -> None:
    assert list(judge_names(named(*counts))) == []


@pytest.mark.parametrize(
    ("of_a", "of_b", "tells"),
    [
        ("open wide", "img 1", True),  # one image is enough
        ("open wide", "wide open", False),  # both say the same
        ("open wide closed", "img 1", False),  # both options in one name
        ("opened widely", "img 1", False),  # words, not parts of words
        ("open", "img 1", False),  # all words of the option
    ],
)
def test_a_name_tells_by_whole_words_of_one_option_alone(of_a: str, of_b: str, tells: bool) -> None:
    assert bool(list(judge_names(with_answers("ab", key=([of_a] * 2, [of_b] * 2))))) == tells
