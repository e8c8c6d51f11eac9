"""Our reader never guesses: what names one option is read, what names none or two, denies or doubts is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.evaluation_tables import CHOICE, YES_NO
from stages.evaluate.readers.ours import read

DOOR = ("Open", "Closed")
PAIRS = (DOOR, ("Left", "Right"), ("Facing the camera", "Facing away"), ("2", "3"), ("Red car", "Blue car"))
JOINS = (" or ", " and ", ", ", "/", " & ", "\n", ". ", "; ", " nor ", ", or ", "? No, ", ". Wait, ", " | ", ") (")
SAYING = (
    *("{}", "{}.", " {}\n", "**{}**", '"{}"', "The answer is {}", "the answer is: {}.", "Answer: {}", "\\boxed{{{}}}"),
    *("The correct answer is {}.", "I would choose {}.", "<think>Is it {} or not?</think>\n{}", "<answer>{}</answer>"),
    *("It looks rather dark in here.\nAnswer: {}", "# Answer\n{}", "“{}”"),
)
DENYING = (
    *("The answer is not {}", "not {}", "It is not {}.", "It isn't {}.", "I don't think the answer is {}.", "never {}"),
    *("It's unclear whether it is {}", "Anything but {}", "{} is wrong", "If that were so, the answer is {}.", "no {}"),
    *("Is it {}? I cannot say.", "The answer is {}? No.", "The wrong answer is {}", "I cannot tell if it is {}"),
    *("It looks {} rather than anything else", "<think>{}", "<think>The answer is {}.", "I disagree with {}."),
)
NOTHING = st.lists(
    st.sampled_from(
        ["the", "dog", "picture", "is", "it", "shows", "I", "a cat", "an", "see", ".", ",", "\n", "?", "é", "…"]
    ),
    max_size=12,
).map(" ".join)
pairs = st.sampled_from(PAIRS)


def place(reply: str, options: Sequence[str] = DOOR, kind: str = CHOICE) -> int | None:
    return read(reply, options, kind).place


def names(options: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return how a reply may name the first and the second of two options."""
    return (("A", "B"), ("(a)", "(b)"), ("(A)", "(B)"), tuple(options), tuple(one.lower() for one in options))  # type: ignore[return-value]


@given(pairs, st.sampled_from(SAYING), st.integers(0, 4), st.integers(0, 1))
def test_what_says_one_option_outright_is_read(options: Sequence[str], saying: str, way: int, right: int) -> None:
    name = names(options)[way][right]
    assert place(saying.format(name, name), options) == right


@given(pairs, st.integers(0, 4), st.integers(0, 1), st.sampled_from(JOINS), st.sampled_from(SAYING), st.booleans())
def test_what_names_both_is_unread(
    options: Sequence[str], way: int, first: int, join: str, saying: str, mixed: bool
) -> None:
    one, other = names(options)[way][first], names(options)[4 if mixed else way][1 - first]
    assert place(f"{one}{join}{other}", options) is None
    both = f"{one}{join}{other}".replace("\n", ", ")
    if "think" not in saying:
        assert place(saying.format(both), options) is None


@given(pairs, NOTHING)
def test_what_names_neither_is_unread(options: Sequence[str], reply: str) -> None:
    assert place(reply, options) is None


@given(pairs, st.sampled_from(DENYING), st.integers(0, 4), st.integers(0, 1))
def test_what_denies_or_doubts_is_unread(options: Sequence[str], denying: str, way: int, right: int) -> None:
    assert place(denying.format(names(options)[way][right]), options) is None


@given(
    pairs,
    st.lists(
        st.sampled_from(["it", "is", "not", "the", ".", ",", "?", "0", "1", "answer is", "or", "wait"]), max_size=8
    ),
)
def test_in_the_other_order_of_the_options_words_choose_the_same(options: Sequence[str], words: list[str]) -> None:
    reply = " ".join(options[int(word)] if word in "01" else word for word in words)
    found, mirrored = place(reply, options), place(reply, options[::-1])
    assert mirrored == (None if found is None else 1 - found)


@given(pairs, st.sampled_from((*SAYING, *DENYING)), st.integers(0, 2), st.integers(0, 1))
def test_in_the_other_order_the_other_letter_chooses_the_same(
    options: Sequence[str], saying: str, way: int, right: int
) -> None:
    one, other = (saying.format(names(options)[way][at], names(options)[way][at]) for at in (right, 1 - right))
    found, mirrored = place(one, options), place(other, options[::-1])
    assert mirrored == (None if found is None else 1 - found)


@given(
    st.text(max_size=60),
    st.lists(st.text(min_size=1, max_size=6), min_size=2, max_size=4),
    st.sampled_from([CHOICE, YES_NO]),
)
def test_any_text_can_be_put_to_it(reply: str, options: list[str], kind: str) -> None:
    found = read(reply, options, kind)
    assert (found.place is None) == (found.rule is None)
    assert found.place is None or 0 <= found.place < len(options)


@given(st.sampled_from(SAYING), st.integers(0, 3))
def test_more_options_have_more_letters(saying: str, right: int) -> None:
    options = ("red", "green", "blue", "black")
    assert place(saying.format("ABCD"[right], "ABCD"[right]), options) == right
    assert place(saying.format("E", "E"), options) is None


@given(st.sampled_from(SAYING), st.sampled_from(["yes", "no", "Yes", "NO"]), st.booleans())
def test_yes_and_no_are_read_as_options_of_their_own(saying: str, word: str, swapped: bool) -> None:
    options = ("no", "yes") if swapped else ("yes", "no")
    assert place(saying.format(word, word), options, YES_NO) == options.index(word.lower())
    assert place(saying.format("A", "A"), options, YES_NO) is None  # the prompt showed no letters


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        *[("Yes, there is a dog.", 0), ("No, there isn't.", 1), ("Yes, it is not there.", 0), ("no - it is a cat", 1)],
        *[("Yes. No other dog is there.", 0), ("Yes, there is no cat.", 0)],
        *[(other, None) for other in ("There is no dog.", "Yes and no", "Yes or no", "Yes? No.", "Yes\nNo", "no-one")],
        *[
            (other, None)
            for other in ("No one is there. Yes", "No way to tell", "Not sure", "Yes I can see, no", "Nope")
        ],
        *[
            (other, None)
            for other in ("I don't think the answer is yes", "The answer is not yes", "", "A", "It is true")
        ],
    ],
)
def test_yes_and_no_in_sentences(reply: str, expected: int | None) -> None:
    assert place(reply, ("yes", "no"), YES_NO) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        *[("B: Closed", 1), ("B - Closed", 1), ("B Closed", 1), ("b closed", 1), ("B (closed)", 1), ("b) closed", 1)],
        *[("A\n\nThe door stands open.", 0), ("B. The door is not open.", 1), ("The door looks closed to me.", 1)],
        *[
            ("Ａ", 0),
            ("（ｂ）", 1),
            ("Option B is correct.", 1),
            ("I'm 90% sure it's A.", 0),
            ("a door that is open", 0),
        ],
        *[("A door is closed.", 1), ("The best option a user has is closed.", 1), ("Is it open or closed? Closed.", 1)],
        *[("The door is closed (see image A).", 1), ("The answer is A because it is open.", 0)],
        *[(other, None) for other in ("B. Open", "A: Closed", "b open", "The answer is A. Closed", "C. Closed", "C")],
        *[
            (other, None)
            for other in ("A. No, B.", "A... wait, it may be the other", "A\nWait, no.", "A. It is closed.")
        ],
        *[
            (other, None)
            for other in ("Neither A nor B", "Both", "None of the above", "unopened", "half-open", "İ", "ı")
        ],
        *[(other, None) for other in ("A) Open\nB) Closed", "The options are (a) Open and (b) Closed.", "A door", "I")],
        *[(other, None) for other in ("Answer: A\nAnswer: B", "It is open. It is closed.", "(a) is wrong, so (b)")],
    ],
)
def test_replies_as_models_write_them(reply: str, expected: int | None) -> None:
    assert place(reply) == expected


def test_words_inside_longer_words_of_an_option_are_not_the_shorter_option() -> None:
    options = ("Visible", "Not visible")
    assert place("The tusk is not visible.", options) == 1
    assert place("The tusk is visible.", options) == 0
    assert place("It is not at all visible.", options) is None
    assert place("11", ("1", "11")) == 1
    assert place("There are 1.5 of them", ("1", "5")) is None
    assert place("ab cd ef", ("ab cd", "cd ef")) is None


def test_options_with_the_same_words_are_not_told_apart() -> None:
    assert place("The answer is open", ("Open", "open")) is None
    assert place("B", ("Open", "open")) == 1
