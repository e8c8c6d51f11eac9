"""Reply: what a model answered, converted to changes that people may make; whatever cannot be repaired is reported.

Models put JSON into fences and prose, mark options with letters, and spell names as they please.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from manifests.parsing import parse_json_at
from stages.author.authored import TEXTS, Unwritable, checked
from stages.models.chat import DraftFailed
from stages.patterns import PATTERNS
from stages.text import plain

T = TypeVar("T", dict[str, Any], list[Any])

SHOWN = 120  # characters of a reply quoted in a sentence
STARTS = 1000  # brackets that are tried, at most: each may be read to the end of the reply
MARK = re.compile(r"^\s*(?:\(\s*([ab])\s*\)|([ab])[).:](?=\s))\s*(?=\S)", re.IGNORECASE)  # (a) Open, a) Open, A. Open
WRAPPED = re.compile(r"^\(([^()]*)\)$")
LETTER = re.compile(r"^\W*(?:option[\s_]*)?([ab])\W*$", re.IGNORECASE)
STATED = ("left_statement", "right_statement")


def found_json(said: str, kind: type[T], fits: Callable[[T], object]) -> T:
    """Return the last JSON object (or list) in a reply that fits, or else the last one of all.

    Fences and prose around it are ignored; models that think aloud give their answer at the end. Raises DraftFailed if
    there is none.
    """
    if not (values := list(_values(said, kind))):
        raise DraftFailed(f"the model answered without the JSON that it was asked for: {_short(said)}")
    return next((value for value in reversed(values) if fits(value)), values[-1])


def _values(said: str, kind: type[T]) -> Iterator[T]:
    """Yield every JSON value of this kind in a text that is not inside another one, trying the first STARTS places."""
    end = 0
    for place in islice((match.start() for match in re.finditer(r"\{" if kind is dict else r"\[", said)), STARTS):
        if place < end:
            continue
        try:
            value, end = parse_json_at(said, place)
        except ValueError:
            continue
        yield value


def changes_of(said: Mapping[str, Any]) -> dict[str, str]:
    """Return changes that a person may accept. Raises DraftFailed if they are not a question with opposite answers."""
    texts = {name: _text(said, name) for name in TEXTS}
    for name in ("option_a", "option_b"):
        texts[name] = _option(texts[name], name)
    if _bare(texts["option_a"]) == _bare(texts["option_b"]):
        raise DraftFailed(f"the model wrote two options that are the same: {_short(texts['option_a'])}")
    answers = {"left_answer": _answer(said, texts)}
    if all(texts[name] for name in STATED) and _bare(texts[STATED[0]]) != _bare(texts[STATED[1]]):
        return _checked({**texts, **answers, "pattern": _pattern(said.get("pattern"))})
    return _checked({**texts, **dict.fromkeys(STATED, ""), **answers, "pattern": _pattern(said.get("pattern"))})


def _text(said: Mapping[str, Any], name: str) -> str:
    """Return a text as the model wrote it, a number as its digits; statements may be left out."""
    value = said.get(name, "" if name in STATED else None)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not (value.strip() or name in STATED):
        raise DraftFailed(f"the model wrote no {name}: {_short(json.dumps(dict(said), ensure_ascii=False))}")
    return value


def _option(text: str, name: str) -> str:
    """Strip the letter before an option, or parentheses around it. Raises DraftFailed for other parentheses in it."""
    bare = WRAPPED.sub(r"\1", MARK.sub("", text).strip()).strip()
    if not bare or "(" in bare or ")" in bare:
        raise DraftFailed(f"the model wrote an {name} with parentheses, which no reader of MMVP takes: {_short(text)}")
    return bare


def _answer(said: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """Return the letter for the left image. Raises DraftFailed if there is none, or if the right image has the same."""
    left, right = (_letter(said.get(name), texts) for name in ("left_answer", "right_answer"))
    if left is None:
        raise DraftFailed(f"the model said neither a nor b for the left image: {_short(str(said.get('left_answer')))}")
    if left == right:
        raise DraftFailed(f"the model gave both images the answer ({left}): the question tells them not apart")
    return left


def _letter(value: Any, texts: Mapping[str, str]) -> str | None:
    """Return a or b, in whatever form it is given: a letter, or the words of an option."""
    if not isinstance(value, str):
        return None
    if (found := LETTER.match(value)) is not None:
        return found[1].lower()
    bare = _bare(MARK.sub("", value))
    return next((letter for letter in "ab" if bare == _bare(texts[f"option_{letter}"])), None)


def _pattern(value: Any) -> str:
    """Return our name of a pattern, or an empty one if it is not a pattern: a person then chooses."""
    bare = _bare(value) if isinstance(value, str) else ""
    return next((one.name for one in PATTERNS if bare in map(_bare, (one.name, one.title, one.folder))), "")


def _checked(changes: Mapping[str, str]) -> dict[str, str]:
    try:
        return checked(changes)
    except Unwritable as error:
        raise DraftFailed(f"the model wrote what no pair takes: {plain(str(error))}") from error


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())


def _short(text: str) -> str:
    return repr(plain(" ".join(text.split()))[:SHOWN])
