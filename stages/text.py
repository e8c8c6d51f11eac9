"""Text: make external names safe to show, and format counts and tables."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Format rows of text in columns as wide as they must be; the last column is not padded."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    widths[-1] = 0
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]


def many(count: int, one: str, several: str = "") -> str:
    """Return `3 pairs` or `1 pair`; `several` is the plural if it is not formed with `s`."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def size_text(size: float) -> str:
    """Return a number of bytes as `512 B`, `4.2 kB`, `1.3 GB`: powers of 1,000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def did_you_mean(given: str, names: Iterable[str]) -> str:
    """Return `did you mean pairs? ` with the name nearest to what was given; empty if none is near."""
    near = difflib.get_close_matches(given, list(names), n=1)
    return f"did you mean {near[0]}? " if near else ""


def plain(text: str) -> str:
    """Return `text` without control characters: a file's name must not control a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def without_secrets(text: str) -> str:
    """Return `text` with user names and passwords of URLs masked, wherever a person may have put one."""
    return re.sub(r"://[^\s'\"]+@", "://***@", text)


def plain_lines(lines: Iterable[str]) -> str:
    """Return a text of exactly these lines, each of them plain."""
    return "\n".join(map(plain, lines))


# C0 except tab and line feed, DEL, C1; characters that change the direction of all text after them; surrogates
STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return `text` for a page: each control character as a visible sign, everything else unchanged."""
    return STEERING.sub(lambda found: _sign(ord(found[0])), text)


def shown(value: Any) -> Any:
    """Return a value as a template puts it into a page (Jinja's `finalize`): text made `visible`, markup unchanged."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _sign(code: int) -> str:
    """Return the picture of a control character that has one (Unicode's block Control Pictures)."""
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"
