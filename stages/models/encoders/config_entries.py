"""Entries: the keys and values of a configuration at any depth, however deeply it is nested."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def entries(config: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, including objects and lists; a list's elements have the list's key."""
    waiting = [(key, config)]
    while waiting:
        key, value = waiting.pop()
        yield key, value
        if isinstance(value, dict):
            waiting.extend((str(inner), each) for inner, each in value.items())
        elif isinstance(value, list):
            waiting.extend((key, each) for each in value)
