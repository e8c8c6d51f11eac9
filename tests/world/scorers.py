"""Scorers written anew from the description of their rules (METHOD 2.3, 2.4, 7.6, 8.2, 8.3), to judge our readers by.

Each takes what a reply says, the options in the order asked and the place of the right one. They share no code with
stages/evaluate/readers, and search by hand where those use patterns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

Scorer = Callable[[str, Sequence[str], int], bool]
SPACE = re.compile(r"\s")


def mmvp_grader(reply: str) -> bool:
    """MMVP: whether a grader's reply counts as yes; the whole of it must be the word, without punctuation."""
    return len(reply) == 3 and reply[0] in "yY" and reply[1] in "eE" and reply[2] in "sS"


def cambrian(reply: str, options: Sequence[str], right: int) -> bool:
    """Cambrian: what follows the last "answer is", bare of brackets and marks, is the letter or the option."""
    text = reply.lower().strip()
    for words in ("answer is", "answer is:", "answer:"):
        while words in text:
            text = text[text.index(words) + len(words) :]
    text = text.strip()
    while text and text[-1] in ".:,":
        text = text[:-1]
    while text and text[0] == "(":
        text = text[1:]
    while text and text[-1] == ")":
        text = text[:-1]
    return text in ("abcdefgh"[right], options[right].lower())


def cambrian_pairs(marks: Iterable[bool]) -> int:
    """Cambrian: the pairs of which both are right, by its counter of parity."""
    counter = 0
    for line, is_right in enumerate(marks):
        first_of_pair, one_so_far = line % 2 == 0, counter % 2 == 1
        if is_right and (first_of_pair or one_so_far):
            counter += 1
        elif not is_right and not first_of_pair and one_so_far:
            counter -= 1
    return counter // 2


def cambrian_pope(reply: str, options: Sequence[str], right: int) -> bool:
    """Cambrian, yes or no: the first word, without the marks after it."""
    first = next(iter(reply.lower().split()), "")
    while first and first[-1] in ".:,":
        first = first[:-1]
    return first == options[right].lower()


def lmms_eval(reply: str, options: Sequence[str], right: int) -> bool:
    """lmms-eval: the first A or B of five patterns in turn, or as the reply's first character."""
    text = reply.strip()
    for find in (_alone, _in_front, _after("answer", "is"), _after("option"), _before_a_space, _first):
        if letter := find(text):
            return letter == "AB"[right] if right < 2 else False
    return False


def lmms_eval_pope(reply: str, options: Sequence[str], right: int) -> bool:
    """lmms-eval, yes or no: the whole reply is the word, in any case."""
    return reply.lower().strip() == options[right].lower()


def vlmevalkit(reply: str, options: Sequence[str], right: int) -> bool:
    """VLMEvalKit's can_infer: can_infer_option, and if that finds nothing, can_infer_text."""
    letter = _infer_option(reply, "ABCDEFGHIJ"[: len(options)]) or _infer_text(reply, options)
    return letter == "ABCDEFGHIJ"[right]


def vlmevalkit_pope(reply: str, options: Sequence[str], right: int) -> bool:
    """VLMEvalKit, yes or no: one of the words is there and the other is not, once punctuation is taken out."""
    text = reply.lower()
    beside = any(
        a.isdecimal() and b == "," and c.isdecimal() for a, b, c in zip(text, text[1:], text[2:], strict=False)
    )
    cleaned = text
    for mark in ';/[]"{}()=+\\_-><@`,?!':
        spaced = f"{mark} " in text or f" {mark}" in text
        cleaned = cleaned.replace(mark, "" if spaced or beside else " ")
    words = set(_without_points(cleaned).split())
    said = words & {"yes", "no"}
    return said == {options[right].lower()}


def llava_pope(reply: str, options: Sequence[str], right: int) -> bool:
    """LLaVA: no if the first sentence has the word No, no or not; everything else is a yes."""
    words = reply.strip().split(".")[0].replace(",", "").split(" ")
    return options[right].lower() == ("no" if any(word in ("No", "no", "not") for word in words) else "yes")


def _letter_at(text: str, place: int) -> tuple[str, int] | None:
    """A or B at this place, in brackets or not, and the place after it."""
    place += text[place : place + 1] == "("
    letter = text[place : place + 1].upper()
    if letter not in ("A", "B"):
        return None
    return letter, place + 1 + (text[place + 1 : place + 2] == ")")


def _alone(text: str) -> str:
    found = _letter_at(text, 0)
    return found[0] if found and text[found[1] :].removeprefix(".").strip() == "" else ""


def _in_front(text: str) -> str:
    found = _letter_at(text, 0)
    after = text[found[1] : found[1] + 1] if found else ""
    return found[0] if found and (after == "." or SPACE.match(after)) else ""


def _after(*words: str) -> Callable[[str], str]:
    """A finder of the first letter that follows these words, with white space after each."""

    def find(text: str) -> str:
        for start in range(len(text)):
            if (place := _past(text, start, words)) is not None and (found := _letter_at(text, place)):
                return found[0]
        return ""

    return find


def _past(text: str, place: int, words: Sequence[str]) -> int | None:
    for word in words:
        if text[place : place + len(word)].lower() != word:
            return None
        place += len(word)
        spaces = len(text[place:]) - len(text[place:].lstrip())
        if not spaces:
            return None
        place += spaces
    return place


def _before_a_space(text: str) -> str:
    for start in range(len(text)):
        found = _letter_at(text, start)
        if found and (found[1] == len(text) or SPACE.match(text[found[1]])):
            return found[0]
    return ""


def _first(text: str) -> str:
    return text[:1].upper() if text[:1].upper() in ("A", "B") else ""


def _infer_option(reply: str, letters: str) -> str:
    """The letter, Z for a refusal, or nothing."""
    if "Failed to obtain answer via API" in reply:
        return ""
    refusals = ("Sorry, I can't help with images of people yet.", "I can't process this file.")
    refusals += ("I'm sorry, but without the image provided", "Cannot determine the answer")
    if any(refusal in reply for refusal in refusals):
        return "Z"
    words = "".join(" " if character in ".()[],:;!*#{}" else character for character in reply).split()
    there = [letter for letter in letters if letter in words]
    if len(there) == 1 and there[0] in words[-4:] and there[0] not in words[:-4]:
        return there[0]
    if not there and "Z" in words:
        return "Z"
    for start in range(len(reply)):
        place = _past(reply, start, ("answer", "is"))
        letter = "" if place is None else reply[place:].lstrip("*")[:1].upper()
        if letter and letter in "ABCD":
            return letter if letter in letters else ""
    return ""


def _infer_text(reply: str, options: Sequence[str]) -> str:
    said = reply.lower()
    if len(said) > 2 * len("".join(options)):
        return ""
    found = ["ABCDEFGHIJ"[place] for place, option in enumerate(options) if said.count(option.lower())]
    return found[0] if len(found) == 1 else ""


def _without_points(text: str) -> str:
    """The text without its first 32 points that have no digit on either side."""
    kept, dropped = [], 0
    for place, character in enumerate(text):
        near_digit = text[max(place - 1, 0) : place].isdecimal() or text[place + 1 : place + 2].isdecimal()
        if character == "." and not near_digit and dropped < 32:
            dropped += 1
        else:
            kept.append(character)
    return "".join(kept)
