"""Entries of a configuration: its keys and values at any depth, however deep it is nested."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def entries(config: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its value, objects and lists too; what a list holds has the list's key."""
    waiting = [(key, config)]
    while waiting:
        key, value = waiting.pop()
        yield key, value
        if isinstance(value, dict):
            waiting.extend((str(inner), each) for inner, each in value.items())
        elif isinstance(value, list):
            waiting.extend((key, each) for each in value)
