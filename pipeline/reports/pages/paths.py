"""Paths: shorten the paths among a run's settings: a page that is shared must not tell whose machine made it."""

from __future__ import annotations

import re
from typing import Any

PARTS = 2  # of a path that are shown
SCHEME = re.compile(r"local-dir:|file:(?://)?")
HOME = re.compile(r"(?:/[\w.-]+)?/(?:home|Users)/[^/\s'\",}]+|^/root(?=/|$)")
PATH = re.compile(r"/|~|\.\.?/")


def shortened(value: Any) -> Any:
    """Return a setting with the last two parts of a path, and without any home folder; everything else unchanged.

    A bucket's URL is no path of a machine and remains whole.
    """
    if isinstance(value, (list, tuple)):
        return [shortened(one) for one in value]
    return _short(value) if isinstance(value, str) else value


def _short(text: str) -> str:
    scheme = SCHEME.match(text)
    if not scheme and "://" in text:
        return text
    before, path = (scheme[0], text[scheme.end() :]) if scheme else ("", text)
    homeless = HOME.sub("~", path)
    parts = [part for part in homeless.split("/") if part]
    if not PATH.match(homeless) or len(parts) <= PARTS:
        return before + homeless
    return f"{before}…/{'/'.join(parts[-PARTS:])}"
