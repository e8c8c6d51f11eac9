"""Wording: the patterns by which our reader (ours.py) finds letters, answers and denials in a reply."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

THINKING = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
SET_APART = re.compile(r"\\boxed\{(?:\\text\{)?(?P<boxed>[^{}]*)\}+|<answer>(?P<tagged>[^<]*)</answer>", re.IGNORECASE)
EMPHASIS = re.compile(r"[*`\"“”„«»$]|(?<!\w)['‘’]|['‘’](?!\w)|^#+ ", re.MULTILINE)

LETTER = r"(?P<letter>[A-Za-z])"
IN_BRACKETS = r"[(\[]\s*(?=[A-Za-z]\s*[)\]])"  # the bracket before a letter that has one after it too
WHOLE_LABEL = re.compile(rf"(?:(?:option|choice|letter)\s+)?[(\[]?\s*{LETTER}\s*[)\]]?[.,:;!?)]*", re.IGNORECASE)
LABEL_AND_WORDS = re.compile(  # "(b) closed", "B - closed" and "B closed", but "a dog" is an article and a noun
    rf"(?:option\s+)?[(\[]?\s*{LETTER}(?:\s*[)\].:,]+|\s+[-–—]|\s+(?=\()|(?<![AaIi])\s)\s*(?P<words>.+)",
    re.IGNORECASE | re.DOTALL,
)
LEADING_LABEL = re.compile(rf"(?:{IN_BRACKETS})?(?P<letter>[A-Za-z](?=\s*[)\].:])|[A-Z](?=,))\s*[)\].:,]+(?=\s|$)")
LABEL = re.compile(
    rf"(?:{IN_BRACKETS}|\b(?i:option|choice)\s+(?=[A-Z]\b|[b-hj-z]\b|a\s*(?:[.,;:!?)]|$)))(?P<letter>[A-Za-z])"
)
# a capital A that begins a sentence is an article unless a verb, a mark, another letter or nothing follows
BARE_LETTER = re.compile(
    r"(?<![\w'’-])(?P<letter>[B-HJ-Z]|(?<=[a-z]\s)A|A(?=\s*(?:[.,;:!?)|/&\n]|$|(?:is|or|and|nor|[B-HJ-Z])\b)))"
    r"(?![\w'’-])"
)
NAME_OF_IMAGE = re.compile(r"\b(?:image|picture|photo|figure|panel)\s+[A-Z]\b", re.IGNORECASE)

ANSWER_IS = re.compile(
    r"\b(?:answer|option|choice)\s*(?:is\b\s*:?|would be\b|should be\b|:)\s*"
    r"|\bI(?:\s+would|'d)?\s+(?:choose|select|pick)\s+",
    re.IGNORECASE,
)
NOT_THE_ANSWER = re.compile(  # directly before "answer is", or earlier in its sentence
    r"(?:n['’]t|\b(?:not|never|neither|cannot|doubt\w*|whether))\b[^,;:]*$|\b(?:if|unless)\b"
    r"|\b(?:other|another|one|first|second|wrong|incorrect|false|worst)\s*$",
    re.IGNORECASE,
)
CLAUSE_ENDS = r"\s*(?:[.,:;!?)\n]|$|\b(?:because|since|as)\b)"
STATED_LABEL = re.compile(
    rf"(?:(?i:option|choice)\s+)?(?:{IN_BRACKETS})?"
    rf"(?P<letter>(?<=[(\[])[A-Za-z]|[B-HJ-Z](?![\w'’-])|[AI](?={CLAUSE_ENDS}))"
)
QUESTIONED = re.compile(  # directly after a letter
    r"[)\].:,]*\s*(?:(?:or|and|nor|/|&|,)\s*[(\[]?[A-Za-z]\b(?![A-Za-z'’])"
    r"|(?:is|was|would be|must be)\s*(?:n['’]t|not|wrong|incorrect|false))",
    re.IGNORECASE,
)
CORRECTED = re.compile(r"(?<!\A)\b(?:wait|sorry|correction|on second thought)\b", re.IGNORECASE)
NO_AFTERWARDS = re.compile(r"[.!?\n]\s*no\b(?=\s*(?:[,.!;]|$))", re.IGNORECASE)
REJECTS = re.compile(  # what an answer is not: "B, not A"
    r"\b(?:not|never|rather|instead|than|unlike|wrong|incorrect|false)\b|n['’]t\b", re.IGNORECASE
)
DENIES = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|unlike|instead|rather|than|except|wrong|incorrect|false|hardly"
    r"|whether|if|unless|unclear|unsure|uncertain|unknown|unable|impossible|disagree|excluding|eliminat\w+"
    r"|rule[sd]?\s+out|(?:anything|everything|all)\s+but)\b|n['’]t\b",
    re.IGNORECASE,
)
YES_OR_NO = re.compile(  # where a clause begins; "no dog" is no No
    r"(?:\A|[.,;:!?\n]\s*)(?P<word>yes|no)"
    r"(?=\s*(?:[.,:;!?\n]|$)|\s+[-–—]|\s+(?:it|there|he|she|they|this|that|these|those|the|I|we|you)\b)",
    re.IGNORECASE,
)

SENTENCE = re.compile(r"[^\n.!?]+[.!?]*|[\n.!?]+")
SENTENCE_ENDS = re.compile(r"[\n.!?]")


def plain(text: str) -> str:
    """Return the text without what was thought aloud, emphasis and empty lines; a boxed answer is one on a line."""
    text = SET_APART.sub(lambda found: f"\nAnswer: {found['boxed'] or found['tagged'] or ''}\n", said_aloud(text))
    lines = (" ".join(line.split()) for line in EMPHASIS.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


def said_aloud(text: str) -> str:
    """Return what follows the last </think>, up to a <think> that is not closed."""
    return THINKING.split(THOUGHT.split(unicodedata.normalize("NFKC", text))[-1])[0]


def bare(text: str) -> str:
    """Return the text in lower case, without marks around it."""
    return text.casefold().strip(" .,:;!?()[]\n")


def sentence_around(before: str, after: str) -> tuple[str, str, bool]:
    """Return where the sentence begins and ends that some words are in, and whether it is a question."""
    ends = SENTENCE_ENDS.search(after)
    rest = after[: ends.start()] if ends else after
    return SENTENCE_ENDS.split(before)[-1], rest, ends is not None and ends.group() == "?"


def claims(text: str) -> Iterator[str]:
    """Yield each sentence that is not a question."""
    yield from (found.group() for found in SENTENCE.finditer(text) if "?" not in found.group())


def without_questions(text: str) -> str:
    """Return the text without its questions, and without the names of images, as in "image A"."""
    return NAME_OF_IMAGE.sub(" ", "".join(claims(text)))
