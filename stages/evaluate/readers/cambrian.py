"""Cambrian's reader: what follows "answer is", without points and brackets, is a letter or an option's words.

Sources: cambrian-mllm/cambrian @539ffc3, eval/eval/mmvp/mmvp_test.py L26-34 and L51-55; for yes or no
eval/eval/pope/pope_test.py L36-41 (the first word, without points). Known errors, kept: "The answer is: B" is not read,
since "answer is" is cut off first and the colon stays before the B; nor are "**B**", "B. Closed" and "(b.)". Their
scorer asks only whether a reply is right, so a letter that is also another option's words counts for both; here it
is the letter.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifests.evaluation_tables import YES_NO
from stages.evaluate.readers.read import UNREAD, Read, by_letter, named

BEFORE = ("answer is", "answer is:", "answer:")  # in this order, each cut off from what the one before it left


def read(response: str, options: Sequence[str], kind: str) -> Read:
    """Return the option a reply chooses by Cambrian's fuzzy match."""
    if kind == YES_NO:
        words = response.lower().split()
        return named(words[0].rstrip(".:,"), options, "first_word") if words else UNREAD
    said = response.lower().strip()
    for words_before in BEFORE:
        said = said.rpartition(words_before)[2]
    said = said.strip().rstrip(".:,").lstrip("(").rstrip(")")
    found = by_letter(said.upper(), options, "letter") if len(said) == 1 and said.isascii() else UNREAD
    return found if found.place is not None else named(said, options, "option")
