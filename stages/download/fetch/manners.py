"""Manners: how we identify ourselves, and what X-Robots-Tag asks of us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import version

TOKEN = "blindpairs"  # noqa: S105 - a robot's name
DENIED = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
# directives with a value, not robots' names; the value of the first is a date, with commas and colons of its own
VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
NAME = re.compile(r"\*|[a-z][a-z0-9_-]*")
LETTERS = re.compile(r"[^\x20-\x7e]")


def user_agent(contact: str) -> str:
    """Return `blindpairs/VERSION (+CONTACT)`: plain ASCII, whatever the contact is."""
    return f"{TOKEN}/{version(TOKEN)} (+{LETTERS.sub('', contact).strip()})"


def denial(headers: Iterable[str]) -> str | None:
    """Return the directive that forbids us to use an answer with these X-Robots-Tag lines, if there is one.

    A robot's name before a colon says which robot the directives after it, up to the next name, are for.
    """
    for line in headers:
        for_us = True
        for part in line.lower().split(","):
            name, colon, rest = part.partition(":")
            if colon and NAME.fullmatch(name.strip()) and name.strip() not in VALUED:
                for_us, part = name.strip() in ("*", TOKEN), rest
            found = DENIED.intersection(re.split(r"[\s;]+", part))
            if for_us and found:
                return min(found)
    return None
