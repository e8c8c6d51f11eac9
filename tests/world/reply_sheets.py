"""Answer sheets of random replies: the kinds of replies that scorers read in different ways."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

OPTIONS = (
    *(("Open", "Closed"), ("Yes", "No"), ("A dog", "Two dogs"), ("1", "11"), ("Left", "left hand"), ("B", "A")),
    *(("Red", "Blue", "Green"), ("None", "One", "Two", "Many"), ("Ünder", "Über"), ("nothing", "I")),
)
WHOLE = (
    *("", " ", "A", "B", "C", "a", "b", "(a)", "(b)", "a.", "B.", "(b.)", "A\n", "\nB", "**B**", "B: Closed", "A, B"),
    *("The answer is B", "The answer is: (a).", "Answer: B", "answer is a dog", "Correct answer is **C**.", "Option B"),
    *("Yes.", "yes", "NO", "No.", "Yes, it is.", "no\n", "not", "Both A and B", "Neither.", "A or B?", "A\u00a0", "Ｂ"),
    *("It is a dog facing left. (b)", "Both eyes", "Nothing", "Cannot determine the answer", "Z", "I'm not sure."),
    *(
        "Failed to obtain answer via API",
        "I can't process this file. A",
        "é",
        "ß",
        "İ",
        "答案是B",
        "B\u2028",
        "\ufeffA",
        "A\u0085B",
    ),
    *(
        "B(",
        "(A",
        "((b))",
        "b.)",
        ".A",
        "b:,.",
        "Answer: answer is b",
        "answer is: answer is: a",
        "yes:",
        "no,.",
        "A.B",
    ),
)
PIECES = (
    *("A", "B", "C", "D", "Z", "a", "b", "(", ")", ".", ",", ":", ";", "!", "*", "-", "/", "\n", "\t", "[A]", "{B}"),
    *("the", "answer is", "Answer is:", "answer:", "ANSWER  IS", "option", "option (b", "correct", "a dog", "open."),
    *("yes", "no", "No", "not", "3,5", "3.5", "(yes)", "yes,no", "no-one", "ſ", "ﬁ", "K", "\u3000", "'", '"'),
)


@dataclass(frozen=True)
class Line:
    """One reply, to a question with these options; `right`: the place of the right one."""

    reply: str
    options: tuple[str, ...]
    right: int


def sheets(seed: int, count: int, options: Sequence[tuple[str, ...]] = OPTIONS) -> Iterator[list[Line]]:
    """Yield answer sheets of three pairs: two lines with the same options and different right answers follow."""
    dice = random.Random(seed)
    for _ in range(count):
        sheet = []
        for _ in range(3):
            asked = dice.choice(options)
            sheet += [Line(_reply(dice, asked), asked, right) for right in dice.sample(range(len(asked)), 2)]
        yield sheet


def _reply(dice: random.Random, options: Sequence[str]) -> str:
    """A whole reply, an option's words in some case, pieces one after another, or a long text around a reply."""
    word = dice.choice((str, str.lower, str.upper))(dice.choice(options))
    made = dice.choice((" ", " ", "")).join(dice.choices((*PIECES, word), k=dice.randint(1, 8)))
    reply = dice.choice((dice.choice(WHOLE), word, f"{word}.", made))
    if dice.random() < 0.05:
        return f"{'The picture shows a door and much else besides. ' * dice.randint(1, 8)}{reply}"
    return reply
