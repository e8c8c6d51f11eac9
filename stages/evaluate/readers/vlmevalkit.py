"""VLMEvalKit's reader: one capital letter near the end, or "answer is B", or one option's words inside the reply.

Sources: open-compass/VLMEvalKit @e8e78f0, vlmeval/utils/matching_util.py `can_infer` (with VERBOSE unset); for yes
or no dataset/utils/yorn.py `YOrN_Extraction` with smp/misc.py `process_punctuation`. Where these find nothing,
VLMEvalKit asks a language model, and after three failures draws at random (dataset/utils/multiple_choice.py
`extract_answer_from_item`): here the reply is unread. Known errors, kept: "Nothing" is No where No is an option; "(b)"
is nothing; in "A dog, so B" two letters are counted; "answer is a dog" is A, and nothing later than D follows "answer
is"; only the first 32 points of a reply to a yes-or-no question are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from manifests.evaluation_tables import YES_NO
from stages.evaluate.readers.read import LETTERS, UNREAD, Read, by_letter, named

NO_ANSWER = "Failed to obtain answer via API"  # what VLMEvalKit stores as the reply of a call that failed
REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
BETWEEN_WORDS = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
ANSWER_IS = re.compile(r"answer\s+is\s+\**([A-D])", re.IGNORECASE)
NONE_OF_THEM = "Z"
NEAR_THE_END = 4  # a letter counts only among so many last words
PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
POINTS_DROPPED = 32  # their call passes a flag of this value where the count belongs


def read(response: str, options: Sequence[str], kind: str) -> Read:
    """Return the option a reply chooses by VLMEvalKit's rules, without a judge and without drawing."""
    if kind == YES_NO:
        return _yes_or_no(response, options)
    if NO_ANSWER not in response:
        if any(refusal in response for refusal in REFUSALS):
            return UNREAD
        letter, rule = _letter(response, LETTERS[: len(options)])
        if letter:
            return by_letter(letter, options, rule)
    return _words(response.lower(), options)


def _letter(response: str, letters: str) -> tuple[str, str]:
    """Return a capital letter and the rule that found it; Z for none of the options, "" for nothing."""
    words = response.translate(BETWEEN_WORDS).split()
    there = [letter for letter in letters if letter in words]
    if len(there) == 1 and words.index(there[0]) >= len(words) - NEAR_THE_END:
        return there[0], "letter"
    if not there and NONE_OF_THEM in words:
        return NONE_OF_THEM, ""
    found = ANSWER_IS.search(response)
    if found and found.group(1).upper() in letters:
        return found.group(1).upper(), "answer_is"
    return "", ""


def _words(said: str, options: Sequence[str]) -> Read:
    if len(said) > 2 * sum(map(len, options)):
        return UNREAD
    found = [place for place, option in enumerate(options) if option.lower() in said]
    return Read(found[0], "option") if len(found) == 1 else UNREAD


def _yes_or_no(response: str, options: Sequence[str]) -> Read:
    words = _without_punctuation(response.lower()).split()
    found = [word for word in ("yes", "no") if word in words]
    return named(found[0], options, "word") if len(found) == 1 else UNREAD


def _without_punctuation(text: str) -> str:
    """Drop a mark that has a space on either side somewhere in the text; make it a space otherwise."""
    between_digits = re.search(r"\d,\d", text) is not None
    left = text
    for mark in PUNCTUATION:
        beside_a_space = f"{mark} " in text or f" {mark}" in text
        left = left.replace(mark, "" if beside_a_space or between_digits else " ")
    return re.sub(r"(?<!\d)\.(?!\d)", "", left, count=POINTS_DROPPED)
