"""Text: names from outside made safe to show, counted things, tables of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text in columns as wide as they must be; the last column is not padded."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    widths[-1] = 0
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]


def many(count: int, one: str, several: str = "") -> str:
    """`3 pairs`, `1 pair`; `several` where more than one take no `s`."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def plain(text: str) -> str:
    """`text` without control characters: a file's name must not steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def plain_lines(lines: Iterable[str]) -> str:
    """A text of these lines and no others, each of them plain."""
    return "\n".join(map(plain, lines))


# C0 but tab and line feed, DEL, C1; what turns the direction of all that follows; halves of characters
STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """`text` for a page: each control character as a sign that can be seen, all else as it is."""
    return STEERING.sub(lambda found: _sign(ord(found[0])), text)


def shown(value: Any) -> Any:
    """A value as a template puts it into a page (Jinja's `finalize`): a text as `visible` has it, markup as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _sign(code: int) -> str:
    """The picture of a control character that has one (Unicode's block Control Pictures)."""
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"
