"""Parsing: read JSON that somebody else may have written, nested no deeper than any honest file is.

Python's parser, and anything that walks a value later (`json.dumps`, `asdict`, `repr`), recurse once per level and
raise RecursionError if a text is nested deeply enough. Here that is a ValueError, as for any other bad JSON.
"""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 100  # levels of nested lists and mappings; this project's own files have fewer than ten
TOO_DEEP = f"it is nested more than {DEEPEST} levels deep"


def parse_json(text: str | bytes) -> Any:
    """Parse a JSON text. Raises ValueError if it is not JSON, or is nested more than DEEPEST levels deep."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")  # as json.loads does
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    if text.count("[") + text.count("{") > DEEPEST:
        check_depth(value)
    return value


def parse_json_at(text: str, place: int) -> tuple[Any, int]:
    """Return the JSON value that begins at `place` of a text, and where it ends. Raises ValueError as `parse_json`."""
    try:
        value, end = json.JSONDecoder().raw_decode(text, place)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    check_depth(value)
    return value, end


def check_depth(value: Any) -> None:
    """Raise ValueError if lists and dicts are nested more than DEEPEST levels deep, or contain themselves."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEEPEST):
        inside = (child for one in level for child in (one.values() if type(one) is dict else one))
        # each value once: values that are referenced repeatedly, as YAML's anchors allow, would double with every level
        level = list({id(child): child for child in inside if type(child) is dict or type(child) is list}.values())
        if not level:
            return
    raise ValueError(TOO_DEEP)
