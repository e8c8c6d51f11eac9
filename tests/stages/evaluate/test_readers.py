"""Replies are read by each scorer's own rules, which are written anew here, from their description alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.evaluation_tables import CHOICE, YES_NO
from stages.evaluate.reading import READERS

SHEETS, QUESTIONS = 1000, 8
OPTIONS = (
    ("Open", "Closed"),
    ("Yes", "No"),
    ("a dog facing left", "a dog facing right"),
    ("1", "2"),
    ("Both eyes", "One eye"),
    ("A", "B"),
)
PIECES = (
    *("A", "B", "a", "b", "(a)", "(b)", "(A)", "B.", "b)", "**B**", "A:", "C", "(c)", "", " ", "\n", "Z"),
    *("The answer is B", "the answer is: b", "Answer: A", "answer is (b).", "The correct answer is **A**.", "Option B"),
    *("Yes.", "yes", "No, it is not", "Nothing", "Both eyes", "It is a dog facing left. (b)", "A dog, so B"),
    *("I'm sorry, but without the image provided I cannot say.", "Failed to obtain answer via API.", "é ü 漢字"),
    *("Open", "open", "Closed.", "a dog facing left", "One eye", "1", "2.", "A or B?", "not B", "either"),
)


def reply(dice: random.Random, options: Sequence[str]) -> str:
    """One to three pieces, an option's words among them, as models mix them."""
    pieces = [*PIECES, *options, *(f"{letter}. {option}" for letter, option in zip("AB", options, strict=True))]
    return dice.choice((" ", "\n", ". ")).join(dice.choices(pieces, k=dice.choice((1, 1, 1, 2, 3))))


def right_by(reader: str, said: str, options: Sequence[str], truth: int) -> bool:
    return READERS[reader].read(said, options, CHOICE).place == truth


# the scorers, in the words of their description


def cambrian(said: str, options: Sequence[str], truth: int) -> bool:
    """Lower-case; what follows "answer is", "answer is:", "answer:"; without points and brackets; letter or option."""
    text = said.lower().strip()
    for marker in ("answer is", "answer is:", "answer:"):
        text = text.split(marker)[-1]
    text = text.strip()
    while text and text[-1] in ".:,":
        text = text[:-1]
    text = re.sub(r"\)+$", "", re.sub(r"^\(+", "", text))
    wanted = {"ab"[truth], options[truth].strip().lower()}
    other = {"ab"[1 - truth]} if text in ("a", "b") else set()  # a letter is never also another option's words
    return text in wanted and text not in other


def lmms_eval(said: str, options: Sequence[str], truth: int) -> bool:
    """The first of: the whole reply, its start, "answer is", "option", a letter before a space; its first letter."""
    text = said.strip()
    letter = ""
    for rule in (
        r"^\(?([ABab])\)?\.?\s*$",
        r"^\(?([ABab])\)?[.\s]",
        r"(?i:answer\s+is)\s+\(?([ABab])\)?",
        r"(?i:option)\s+\(?([ABab])\)?",
        r"\(?([ABab])\)?(?=\s|$)",
    ):
        if not letter and (found := re.search(rule, text)):
            letter = found.group(1).upper()
    if not letter and text and text[0] in "ABab":
        letter = text[0].upper()
    return letter == "AB"[truth]


def vlmevalkit(said: str, options: Sequence[str], truth: int) -> bool:
    """can_infer_option, then can_infer_text; where both find nothing, nothing is chosen."""
    letter = "" if "Failed to obtain answer via API" in said else _option(said)
    if letter == "refused":
        return False
    if letter:
        return letter == "AB"[truth]
    if len(said.lower()) > 2 * sum(len(option) for option in options):
        return False
    there = [option.lower() in said.lower() for option in options]
    return sum(there) == 1 and there[truth]


def _option(said: str) -> str:
    refusals = ("Sorry, I can't help with images of people yet.", "I can't process this file.",
                "I'm sorry, but without the image provided", "Cannot determine the answer")  # fmt: skip
    if any(one in said for one in refusals):
        return "refused"
    spaced = said
    for mark in ".()[],:;!*#{}":
        spaced = spaced.replace(mark, " ")
    words = spaced.split()
    letters = [letter for letter in "AB" if letter in words]
    if len(letters) == 1 and words.index(letters[0]) > len(words) - 5:
        return letters[0]
    if not letters and "Z" in words:
        return "refused"
    stated = re.search(r"answer\s+is\s+\**([A-D])", said, re.IGNORECASE)
    return stated.group(1).upper() if stated and stated.group(1).upper() in "AB" else ""


SCORERS: dict[str, Callable[[str, Sequence[str], int], bool]] = {
    "cambrian": cambrian,
    "lmms-eval": lmms_eval,
    "vlmevalkit": vlmevalkit,
}


@pytest.mark.parametrize("reader", SCORERS)
def test_a_thousand_random_sheets_score_as_by_the_scorers_rules(reader: str) -> None:
    dice = random.Random(reader)
    for _ in range(SHEETS):
        asked = [(options := dice.choice(OPTIONS), reply(dice, options), dice.randrange(2)) for _ in range(QUESTIONS)]
        ours = [right_by(reader, said, options, truth) for options, said, truth in asked]
        theirs = [SCORERS[reader](said, options, truth) for options, said, truth in asked]
        assert ours == theirs, next(one for one, a, b in zip(asked, ours, theirs, strict=True) if a != b)


def test_a_thousand_random_replies_say_yes_or_no_as_by_popes_rule() -> None:
    dice = random.Random("pope")
    words = ("yes", "Yes,", "no", "No", "not", "there is", "a dog", "none", "No.", "NO", "nothing", ".", "\n")
    for _ in range(SHEETS):
        said = " ".join(dice.choices(words, k=dice.randrange(5)))
        first = said.split(".")[0].replace(",", "").split(" ")
        expected = 1 if any(word in ("No", "not", "no") for word in first) else 0
        assert READERS["pope"].read(said, ["yes", "no"], YES_NO).place == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("A", 0),
        ("(b)", 1),
        ("b.", 1),
        ("**B**", 1),
        ("B. Closed", 1),
        ("Closed", 1),
        ("closed.", 1),
        ("The answer is (a).", 0),
        ("The answer is: Closed", 1),
        ("I would choose B because the mouth is shut.", 1),
        ("<think>A or B? B.</think>A", 0),
        ("<think>A, or rather", None),
        ("A or B", None),
        ("Open or closed? Hard to say.", None),
        ("It is not open.", None),
        ("The answer is not A.", None),
        ("", None),
        ("I cannot see any image.", None),
        ("A dog is there.", None),
        ("C", None),
        ("B. Open", None),
        ("The mouth is closed.", 1),
    ],
)
def test_our_reader_reads_what_is_said_outright_and_does_not_guess(said: str, expected: int | None) -> None:
    assert READERS["ours"].read(said, ["Open", "Closed"], CHOICE).place == expected


# no bare A, which before a word is an article
WORDS = st.sampled_from(
    ["Option A", "Option B", "(a)", "(b)", "Open", "Closed", "is", "the answer is", "not", "or", ".", "dog"]
)


@given(st.lists(WORDS, max_size=6).map(" ".join))
def test_an_option_is_read_the_same_whichever_letter_and_place_it_has(said: str) -> None:
    """The same words with both letters exchanged, and the options in the other order, choose the other place."""
    straight = READERS["ours"].read(said, ["Open", "Closed"], CHOICE).place
    swapped = READERS["ours"].read(LETTER.sub(lambda found: SWAP[found[0]], said), ["Closed", "Open"], CHOICE).place
    assert swapped == (None if straight is None else 1 - straight)


LETTER = re.compile(r"\b[AB]\b|\([ab]\)")
SWAP = {"A": "B", "B": "A", "(a)": "(b)", "(b)": "(a)"}


@given(st.text(max_size=60))
def test_no_reader_fails_or_names_an_option_that_is_not_there(said: str) -> None:
    for kind, options in ((CHOICE, ["Open", "Closed", "Ajar"]), (YES_NO, ["yes", "no"])):
        for name, reader in READERS.items():
            if name != "pope" or kind == YES_NO:
                place = reader.read(said, options, kind).place
                assert place is None or 0 <= place < len(options)
