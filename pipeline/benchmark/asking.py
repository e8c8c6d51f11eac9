"""Asking: the order in which one person is asked, blind, about the images of a benchmark."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from stages.author.answers import Answer, asked
from stages.author.authored import SIDES, Authored
from stages.author.valid_answers import is_asked

Asked = tuple[Authored, str]  # a pair and the side that is shown


def queue_for(pairs: Sequence[Authored], answers: Sequence[Answer], person: str, seed: int = 0) -> list[Asked]:
    """Return what this person has still to be asked: no pair they wrote, nothing they answered in its current form.

    Each pair comes twice, its other image at least half of all pairs later: a person who has just seen one image and
    answered (a) would know that the other is (b). The order differs from person to person and does not change while
    they answer.
    """
    whole = [pair for pair in pairs if is_asked(pair) and not pair.wrote(person)]
    done = {(one.left_id, one.right_id, one.side, one.asked) for one in answers if one.person == person}
    return [
        (pair, side)
        for pair, side in _shuffled(whole, f"{seed}\0{person}")
        if (pair.left_id, pair.right_id, side, asked(pair)) not in done
    ]


def _shuffled(pairs: Sequence[Authored], salt: str) -> list[Asked]:
    """List one image of each pair, then the other; each half is shuffled again within itself, so both stay apart."""
    order = sorted(pairs, key=lambda pair: _drawn(salt, "first", pair))
    half = (len(order) + 1) // 2
    again = [
        pair
        for part in (order[:half], order[half:])
        for pair in sorted(part, key=lambda pair: _drawn(salt, "second", pair))
    ]
    sides = {id(pair): SIDES if _drawn(salt, "side", pair) < "8" else SIDES[::-1] for pair in order}
    return [(pair, sides[id(pair)][turn]) for turn, part in enumerate((order, again)) for pair in part]


def _drawn(salt: str, what: str, pair: Authored) -> str:
    """Return hex digits fixed by this pair and this person: adding or removing other pairs does not change them."""
    return hashlib.sha256("\0".join((salt, what, pair.left_id, pair.right_id)).encode()).hexdigest()
