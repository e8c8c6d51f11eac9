"""Classes: the 1,000 of ILSVRC 2012, by index, by synset and by words. Other ImageNet synsets are left unchanged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

SYNSET = re.compile(r"n\d{8}")


@lru_cache(maxsize=1)
def synsets() -> tuple[str, ...]:
    """Return all synsets in order: the position of a synset is its index, 0 to 999."""
    return tuple(_words())


def words_of(label: str | None) -> str | None:
    """Return the words for a synset; None if it is not among the 1,000."""
    return _words().get(label or "")


def synset_of(label: str) -> str:
    """Return the synset of an index or of words; anything else, and words that two classes share, unchanged."""
    if label.isascii() and label.isdigit() and int(label) < len(synsets()):
        return synsets()[int(label)]
    return _by_words().get(_plain(label), label)


def synsets_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the synsets of a ClassLabel's names; words that two classes share are distinguished by their position.

    The position counts only if the list is the 1,000 classes in order, judged by most of its names.
    """
    all_words = [_plain(words) for words in _words().values()]
    in_order = len(names) == len(all_words) and 2 * sum(map(_is_alike, names, all_words)) > len(names)
    found = [synset_of(name) if not name.isdigit() else name for name in names]
    return tuple(synsets()[place] if in_order and not SYNSET.fullmatch(one) else one for place, one in enumerate(found))


def _is_alike(name: str, words: str) -> bool:
    return _plain(name).split(",")[0] == words.split(",")[0]


@lru_cache(maxsize=1)
def _words() -> Mapping[str, str]:
    text = (files("stages.download.imagenet") / "classes.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line[:1].isdigit()]
    return {synset: words for _, synset, words in lines}


@lru_cache(maxsize=1)
def _by_words() -> Mapping[str, str]:
    plain = [(_plain(words), synset) for synset, words in _words().items()]
    times = Counter(words for words, _ in plain)
    return {words: synset for words, synset in plain if times[words] == 1}


def _plain(words: str) -> str:
    return " ".join(words.replace("_", " ").casefold().split())
