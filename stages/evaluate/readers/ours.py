"""Our reader: what a reply says outright, then letters it names, then an option's words. It refuses to guess.

Three kinds of evidence; the first kind that a reply has decides, and only if all of it names one option:
1. outright: the whole reply, its first or last line, or what follows "the answer is": a letter, an option's words, or
   both; a letter with a point, colon or bracket that begins the reply; for yes or no, the first word;
2. labels: letters in brackets, or after "option", outside sentences that deny something;
3. mentions: a capital letter by itself, or an option's words, in a reply that denies nothing.
"a" and "A" before a word are articles. Emphasis and quotation marks are not looked at, nor is what a model thinks
aloud between <think> and </think>: a reply that ends while thinking is unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from manifests.evaluation_tables import YES_NO
from stages.evaluate.readers import wording
from stages.evaluate.readers.read import UNREAD, Read
from stages.evaluate.readers.wording import Options

DENIED = -1  # in place of an option: the reply must not be read
Evidence = Iterator[tuple[int, str]]  # place, rule


def read(response: str, options: Sequence[str], kind: str) -> Read:
    """Return the option that a reply names; unread if it names none, or more than one."""
    known, said = Options(options, kind != YES_NO), wording.plain(response)
    for rules in (_outright, _labels, _mentions):
        found = list(rules(said, known))
        if places := {place for place, _ in found}:
            return Read(*found[0]) if len(places) == 1 and DENIED not in places else UNREAD
    return UNREAD


def _outright(said: str, options: Options) -> Evidence:
    lines = said.splitlines()
    for part in dict.fromkeys((said, *lines[:1], *lines[-1:])):
        yield from _named(part, options)
    for stated in wording.ANSWER_IS.finditer(said):
        yield from _stated(said[stated.end() :], options)
    if (letter := wording.LEADING_LABEL.match(said)) is not None and len(_labelled(said, options)) <= 1:
        yield from ((place, "leading_letter") for place in _unless_questioned(letter, said, options))
    if options.yes_no and (first := wording.FIRST_WORD.match(said)) is not None:
        yield from ((place, "first_word") for place in options.called(first["word"]))


def _named(said: str, options: Options) -> Evidence:
    """Yield what the text is as a whole: a letter, an option's words, or both, which must agree."""
    if (letter := wording.WHOLE_LABEL.fullmatch(said)) is not None:
        yield from ((place, "letter") for place in options.of_letter(letter))
    for place in options.called(said):
        yield place, "option"
    if (both := wording.LABEL_AND_WORDS.fullmatch(said)) is not None and not options.called(said):
        for place in options.called(both["words"]) and options.of_letter(both):
            yield place, "letter"
            yield from ((other, "letter") for other in options.called(both["words"]))


def _stated(after: str, options: Options) -> Evidence:
    """Yield what directly follows "the answer is"."""
    clause = wording.CLAUSE.match(after)
    found = list(_named(clause.group().strip(), options)) if clause else []
    if not found and (letter := wording.STATED_LABEL.match(after)) is not None:
        found = [(place, "letter") for place in _unless_questioned(letter, after, options)]
    if not found:
        found = [(place, "option") for place in options.begins(after)]
    yield from ((place, f"answer_is_{rule}") for place, rule in found)


def _labelled(said: str, options: Options) -> set[int]:
    return {place for label in wording.LABEL.finditer(said) for place in options.of_letter(label)}


def _unless_questioned(letter: re.Match[str], said: str, options: Options) -> list[int]:
    """Return the letter's place; DENIED if "or (b)" or "is wrong" follows."""
    questioned = wording.QUESTIONED.match(said, letter.end()) is not None
    return [DENIED if questioned else place for place in options.of_letter(letter)]


def _labels(said: str, options: Options) -> Evidence:
    for sentence in wording.sentences(said):
        denies = wording.DENIES.search(sentence) is not None
        for label in wording.LABEL.finditer(sentence):
            yield from ((DENIED if denies else place, "label") for place in options.of_letter(label))


def _mentions(said: str, options: Options) -> Evidence:
    if options.yes_no:
        return  # "there is no dog" says neither yes nor no
    places, left = options.mentioned(said)
    denies = wording.DENIES.search(left) is not None
    for letter in wording.BARE_LETTER.finditer(left):
        yield from ((DENIED if denies else place, "capital") for place in options.of_letter(letter))
    yield from ((DENIED if denies else place, "option_words") for place in places)
