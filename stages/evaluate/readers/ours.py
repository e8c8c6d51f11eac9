"""Our reader: what a reply says outright, then letters it names, then an option's words. It refuses to guess.

Three kinds of evidence; the first kind that a reply has decides, and only if all of it names one option:
1. outright: the whole reply, its first or last line, or what follows "the answer is": a letter, an option's words, or
   both; a letter with a point, colon or bracket that begins the reply; for yes or no, the word that begins the reply;
2. labels: letters in brackets, or after "option", outside questions and sentences that deny or doubt something;
3. mentions: a capital letter by itself, or an option's words, in a reply that denies and doubts nothing.
A reply that corrects itself, or mentions the words of other options only, is unread. "a" and "A" before a word are
articles. Emphasis and quotation marks are not looked at, nor is what a model thinks aloud between <think> and </think>:
a reply that ends while thinking is unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from manifests.evaluation_tables import YES_NO
from stages.evaluate.readers import wording
from stages.evaluate.readers.options import Options
from stages.evaluate.readers.read import UNREAD, Read

DENIED = -1  # in place of an option: the reply must not be read
Evidence = Iterator[tuple[int, str]]  # place, rule


def read(response: str, options: Sequence[str], kind: str) -> Read:
    """Return the option that a reply names; unread if it names none, or more than one."""
    known, said = Options(options, kind != YES_NO), wording.plain(response)
    if whole := list(_named(said, known)):
        return _agreed(whole)
    for rules in (_outright, _labels, _mentions):
        if found := list(rules(said, known)):
            return UNREAD if _taken_back(said, {place for place, _ in found}, known) else _agreed(found)
    return UNREAD


def _agreed(found: Sequence[tuple[int, str]]) -> Read:
    """Return what all evidence names; unread if it names two options, or must not be read."""
    places = {place for place, _ in found}
    return Read(*found[0]) if len(places) == 1 and DENIED not in places else UNREAD


def _outright(said: str, options: Options) -> Evidence:
    lines = said.splitlines()
    for part in dict.fromkeys((*lines[:1], *lines[-1:])):
        yield from _named(part, options)
    for stated in wording.ANSWER_IS.finditer(said):
        yield from _stated(said[: stated.start()], said[stated.end() :], options)
    yield from _first_word(said, options) if options.yes_no else _leading(said, options)


def _named(said: str, options: Options) -> Evidence:
    """Yield what the text is as a whole: a letter, an option's words, or both, which must agree."""
    if (letter := wording.WHOLE_LABEL.fullmatch(said)) is not None:
        yield from ((place, "letter") for place in options.of_letter(letter))
    called = options.called(said)
    yield from ((place, "option") for place in called)
    if not called and (both := wording.LABEL_AND_WORDS.fullmatch(said)) is not None:
        for place in options.called(both["words"]):
            yield from ((lettered, "letter") for lettered in options.of_letter(both) or [DENIED])
            yield place, "letter"


def _stated(before: str, after: str, options: Options) -> Evidence:
    """Yield what directly follows "the answer is"; `before`: the text that precedes these words."""
    begins, clause, is_question = wording.sentence_around(before, after)
    if is_question or wording.NOT_THE_ANSWER.search(begins):
        yield DENIED, "answer_is"
        return
    line = after.partition("\n")[0]
    found = list(_named(line, options)) or list(_named(clause.strip(), options))
    if not found and (letter := wording.STATED_LABEL.match(after)) is not None:
        found = [(place, "letter") for place in _unless_questioned(letter, after, options)]
    found = found or [(place, "option") for place in options.begins(after)]
    yield from ((place, f"answer_is_{rule}") for place, rule in found)
    others = (_letters(line, options) | options.mentioned(line)[0]) - {place for place, _ in found}
    if found and others and wording.REJECTS.search(line) is None:
        yield DENIED, "answer_is"


def _leading(said: str, options: Options) -> Evidence:
    """Yield the letter that begins the reply; DENIED too if another one follows."""
    if (letter := wording.LEADING_LABEL.match(said)) is not None:
        places = set(_unless_questioned(letter, said, options))
        others = _letters(said[letter.end() :], options) - places if places else set()
        yield from ((place, "leading_letter") for place in (*places, *(DENIED for _ in others)))


def _first_word(said: str, options: Options) -> Evidence:
    """Yield the Yes or No that begins the reply, and each that begins a clause after it."""
    words = list(wording.YES_OR_NO.finditer(said))
    if words and words[0].start() == 0:
        yield from ((place, "first_word") for word in words for place in options.called(word["word"]))


def _taken_back(said: str, places: set[int], options: Options) -> bool:
    """Return whether the reply corrects itself, or mentions the words of other options only."""
    if options.yes_no:
        return wording.CORRECTED.search(said) is not None
    if wording.CORRECTED.search(said) or wording.NO_AFTERWARDS.search(said):
        return True
    mentioned, left = options.mentioned(wording.without_questions(said))
    return bool(mentioned) and not mentioned & places and wording.REJECTS.search(left) is None


def _letters(said: str, options: Options) -> set[int]:
    found = (*wording.LABEL.finditer(said), *wording.BARE_LETTER.finditer(wording.without_questions(said)))
    return {place for letter in found for place in options.of_letter(letter)}


def _unless_questioned(letter: re.Match[str], said: str, options: Options) -> list[int]:
    """Return the letter's place; DENIED if "or (b)" or "is wrong" follows."""
    questioned = wording.QUESTIONED.match(said, letter.end("letter")) is not None
    return [DENIED if questioned else place for place in options.of_letter(letter)]


def _labels(said: str, options: Options) -> Evidence:
    for claim in wording.claims(said):
        places = {place for label in wording.LABEL.finditer(claim) for place in options.of_letter(label)}
        denies = wording.DENIES.search(claim) is not None or options.mentioned(claim)[0] - places
        yield from ((DENIED if denies else place, "label") for place in sorted(places))


def _mentions(said: str, options: Options) -> Evidence:
    if options.yes_no:
        return  # "there is no dog" says neither yes nor no
    places, left = options.mentioned(wording.without_questions(said))
    denies = wording.DENIES.search(left) is not None
    for letter in wording.BARE_LETTER.finditer(left):
        yield from ((DENIED if denies else place, "capital") for place in options.of_letter(letter))
    yield from ((DENIED if denies else place, "option_words") for place in sorted(places))
