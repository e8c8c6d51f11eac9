"""Our readings of other projects' rules give the scores that scorers written anew from their description give."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import pytest
from world import scorers
from world.reply_sheets import OPTIONS, Line, sheets

from manifests.evaluation_tables import CHOICE, YES_NO
from stages.evaluate.grade import verdict_of
from stages.evaluate.reading import READERS

SHEETS = 1000
YES_AND_NO = (("yes", "no"), ("No", "Yes"))


def marks_of(reader: str, kind: str, sheet: Sequence[Line]) -> list[bool]:
    read = READERS[reader].read
    return [read(line.reply, line.options, kind).place == line.right for line in sheet]


def pairs_right(marks: Sequence[bool]) -> int:
    return sum(all(marks[start : start + 2]) for start in range(0, len(marks), 2))


@pytest.mark.parametrize(
    ("reader", "kind", "scorer", "options"),
    [
        ("lmms-eval", CHOICE, scorers.lmms_eval, OPTIONS),
        ("vlmevalkit", CHOICE, scorers.vlmevalkit, OPTIONS),
        ("cambrian", YES_NO, scorers.cambrian_pope, YES_AND_NO),
        ("lmms-eval", YES_NO, scorers.lmms_eval_pope, YES_AND_NO),
        ("vlmevalkit", YES_NO, scorers.vlmevalkit_pope, YES_AND_NO),
        ("pope", YES_NO, scorers.llava_pope, YES_AND_NO),
    ],
)
def test_on_random_sheets_the_same_lines_are_right(
    reader: str, kind: str, scorer: scorers.Scorer, options: Sequence[tuple[str, ...]]
) -> None:
    right = 0
    for sheet in sheets(1, SHEETS, options):
        marks = marks_of(reader, kind, sheet)
        expected = [scorer(line.reply, line.options, line.right) for line in sheet]
        assert marks == expected, [line for line, a, b in zip(sheet, marks, expected, strict=True) if a != b]
        right += sum(marks)
    assert SHEETS / 2 < right < 5 * SHEETS  # neither none nor all of 6,000 lines


def test_on_random_sheets_cambrian_counts_the_same_pairs() -> None:
    """But for a letter that is also another option's words, which its scorer takes for both and ours for the letter."""
    unlike = [options for options in OPTIONS if options != ("B", "A")]
    pairs = 0
    for sheet in sheets(2, SHEETS, unlike):
        expected = [scorers.cambrian(line.reply, line.options, line.right) for line in sheet]
        marks = marks_of("cambrian", CHOICE, sheet)
        assert marks == expected, [line for line, a, b in zip(sheet, marks, expected, strict=True) if a != b]
        assert pairs_right(marks) == scorers.cambrian_pairs(expected)
        pairs += pairs_right(marks)


def test_on_random_sheets_the_grader_counts_the_same_yes() -> None:
    """But for "yes" and a line break: the script's pattern takes it, what compares it with "yes" then does not."""
    dice, yes = random.Random(3), 0
    replies = (
        "yes",
        "Yes",
        "YES",
        "no",
        "No",
        "Yes.",
        "yes!",
        " yes",
        "yes ",
        "",
        "Yes, it does.",
        "yes\n\n",
        "yeſ",
        "y",
    )
    for _ in range(SHEETS):
        sheet = dice.choices(replies, k=6)
        marks = [verdict_of(reply) == "yes" for reply in sheet]
        assert marks == [scorers.mmvp_grader(reply) for reply in sheet]
        yes += sum(marks)
    assert SHEETS < yes < 3 * SHEETS


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        *[("yes", "yes"), ("YES", "yes"), ("no", "no"), ("No", "no"), ("yes\n", "yes"), ("no\n", "no")],
        *[(other, None) for other in ("Yes.", "no!", " yes", "yes\n\n", "yes no", "", "\n", "yes, it does", "yeſ")],
    ],
)
def test_a_verdict_is_the_whole_reply(reply: str, verdict: str | None) -> None:
    assert verdict_of(reply) == verdict
    assert (re.match(r"^(yes|no)$", reply, re.ASCII | re.IGNORECASE) is not None) == (verdict is not None)


@pytest.mark.parametrize(
    ("reader", "reply", "read"),
    [
        ("cambrian", "The answer is: B", None),
        ("cambrian", "**B**", None),
        ("cambrian", "B. Closed", None),
        ("cambrian", "(b.)", None),
        ("lmms-eval", "It is a dog facing left. (b)", 0),
        ("lmms-eval", "Both eyes", 1),
        ("lmms-eval", "**B**", None),
        ("lmms-eval", "Closed", None),
        ("vlmevalkit", "(b)", None),
        ("vlmevalkit", "A dog, so B", None),
        ("vlmevalkit", "The answer is a dog", 0),
        ("vlmevalkit", "Cannot determine the answer", None),
        ("vlmevalkit", "Failed to obtain answer via API", None),
    ],
)
def test_what_the_docstrings_call_known_errors_is_kept(reader: str, reply: str, read: int | None) -> None:
    assert READERS[reader].read(reply, ("Open", "Closed"), CHOICE).place == read


def test_known_errors_where_the_options_matter() -> None:
    assert READERS["vlmevalkit"].read("Nothing", ("Two", "No"), CHOICE).place == 1
    assert READERS["cambrian"].read("b", ("B", "A"), CHOICE).place == 1  # the letter, not the words
    assert READERS["lmms-eval"].read("C", ("x", "y", "z"), CHOICE).place is None
    assert READERS["pope"].read("", ("yes", "no"), YES_NO).place == 0
    assert READERS["pope"].read("No\nIt is dark.", ("yes", "no"), YES_NO).place == 0
    assert READERS["pope"].read(" No\n", ("yes", "no"), YES_NO).place == 1
    assert READERS["lmms-eval"].read("Yes.", ("yes", "no"), YES_NO).place is None


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", [CHOICE, YES_NO])
def test_no_reader_names_an_option_that_is_not_there_or_no_rule(reader: str, kind: str) -> None:
    for sheet in sheets(4, 100, [*OPTIONS, ("yes", "no"), ("no", "yes")]):
        for line in sheet:
            found = READERS[reader].read(line.reply, line.options, kind)
            assert (found.place is None) == (found.rule is None)
            assert found.place is None or 0 <= found.place < len(line.options)
