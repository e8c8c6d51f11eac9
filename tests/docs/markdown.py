"""Markdown: tables whose cells may hold any text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown; every cell is one line."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell(one) for one in line)} |" for line in lines) + "\n"


def cell(value: object) -> str:
    """Return `value` as the text of a cell: one line, in which no bar ends it."""
    return re.sub(r"(?<!\\)\|", r"\|", " ".join(str(value).split()))


def code(value: object) -> str:
    """Return `value` as inline code, or nothing for an empty value; a bar in it is one for every reader of Markdown."""
    text = str(value)
    return f"<code>{escape(text).replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`" if text else ""
