"""Words: what the texts and the letters of each pair must be like."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from pipeline.benchmark.benchmark import Posed
from pipeline.benchmark.checks.finding import Numbered, found, of
from pipeline.findings import Finding
from stages.text import plain

QUOTED = 60  # characters of a text quoted in a sentence
LINES = ("Cc", "Zl", "Zp")  # Unicode's categories of control characters and line separators


def judge_questions(pairs: Numbered) -> Iterator[Finding]:
    """Check MMVP's rules: one question, two options without parentheses, opposite answers."""
    for number, pair in pairs:
        question, (option_a, option_b) = pair.question or "", pair.options or ("", "")
        where = of(number, pair)
        if {side.answer for side in pair.sides} != {"a", "b"}:
            letters = " and ".join(f"({side.answer})" for side in pair.sides)
            sentence = f"the answers of {quoted(question)} are {letters}; one image must be (a) and the other (b)"
            yield found("answers_not_opposite", where, sentence)
        if option_a.strip() and _bare(option_a) == _bare(option_b):
            sentence = f"both options are {quoted(option_a)}; write two that differ"
            yield found("same_options", where, sentence)
        for option in (option_a, option_b):
            if "(" in option or ")" in option:
                sentence = f"the option {quoted(option)} holds a parenthesis, where readers cut it; write it without"
                yield found("parentheses", where, sentence)
        yield from _texts(where, {"question": question, "option a": option_a, "option b": option_b})


def judge_statements(pairs: Numbered) -> Iterator[Finding]:
    """Check MMVP-VLM's rules: two statements, each true of one image only."""
    for number, pair in pairs:
        first, second = (side.statement or "" for side in pair.sides)
        if first.strip() and _bare(first) == _bare(second):
            sentence = f"both statements are {quoted(first)}; write two that differ"
            yield found("same_statements", of(number, pair), sentence)
        yield from _texts(of(number, pair), {"first statement": first, "second statement": second})


def named(pair: Posed) -> str:
    """Return what a pair is about, in quotes: its question, or its first statement."""
    return quoted(pair.question or pair.first.statement or "")


def _texts(where: str, texts: dict[str, str]) -> Iterator[Finding]:
    for name, text in texts.items():
        if not text.strip():
            yield found("empty_text", where, f"the {name} has no words; write it")
        if any(unicodedata.category(character) in LINES for character in text):
            sentence = f"the {name} {quoted(text)} holds a line break, a tab or a control character; write one line"
            yield found("line_break", where, sentence)


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())


def quoted(text: str) -> str:
    """Return the text in quotes as a sentence shows it: on one line, shortened if it is long."""
    short = text if len(text) <= QUOTED else f"{text[: QUOTED - 1]}…"
    return f'"{plain(short)}"'
