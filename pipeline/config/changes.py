"""Changes: apply `--set NAME=VALUE`, or a setting given in Python, to a recipe's values."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from manifests.errors import Refused
from manifests.parsing import DEEPEST, TOO_DEEP

Parse = Callable[[str], Any]


class Setting(NamedTuple):
    """A setting by its dotted name ("filter.blind_min"), with its value as Python has it."""

    name: str
    value: Any


Change = str | Setting


def apply(values: dict[str, Any], change: Change, parse: Parse) -> None:
    """Apply one change ("a.b.0.c=value", or a Setting) to `values`; `parse` reads YAML.

    A text is taken literally: only values in quotes or brackets, numbers, true, false and null are
    read as YAML, so that a path may contain a " #" or a ": ". Raises Refused, quoting the change.
    """
    name, value, given = _read(change, parse)
    *parents, last = name.split(".")
    place: Any = values
    for step in parents:
        place = _entered(place, step, given)
    _put(place, last, value, given)


def plain_values(value: Any, given: str, levels: int = DEEPEST) -> Any:
    """Return a copy of a value in the types that YAML has: dicts, lists, and paths as text.

    Raises Refused, naming what was `given`, if it is nested more than `levels` levels deep.
    """
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if not levels:
        raise Refused(f"{given}: {TOO_DEEP}")
    if isinstance(value, Mapping):
        return {key: plain_values(inner, given, levels - 1) for key, inner in value.items()}
    return [plain_values(inner, given, levels - 1) for inner in value]


def _read(change: Change, parse: Parse) -> tuple[str, Any, str]:
    """Return a change's name, its value, and how an error quotes it."""
    if isinstance(change, Setting):
        given = f"{change.name}={reprlib.repr(change.value)}"
        return change.name, plain_values(change.value, given), given
    name, equals, text = change.partition("=")
    if not equals or not name:
        raise Refused(f"--set {change}: write it as --set filter.reference_max=0.5")
    return name, _value(text, change, parse), f"--set {change}"


def _value(text: str, change: str, parse: Parse) -> Any:
    if text.strip()[:1] in ("{", "[", '"', "'"):
        try:
            return parse(text)
        except ValueError as error:
            raise Refused(f"--set {change[:200]}: the value is not YAML ({error})") from error
    try:
        value = parse(text)
    except ValueError:
        return text
    return value if value is None or isinstance(value, (bool, int, float)) else text


def _entered(place: Any, step: str, given: str) -> Any:
    """Return the value under `step`, created as an empty mapping where there is none yet."""
    if isinstance(place, list):
        if not (step.isascii() and step.isdigit()) or int(step) > len(place):
            raise Refused(f"{given}: {step} is not a place in a list of {len(place)}")
        if int(step) == len(place):
            place.append({})
        return place[int(step)]
    if not isinstance(place, dict):
        raise Refused(f"{given}: there is nothing below {step}")
    if place.get(step) is None:
        place[step] = {}
    return place[step]


def _put(place: Any, last: str, value: Any, given: str) -> None:
    if isinstance(place, list):
        _entered(place, last, given)
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise Refused(f"{given}: there is nothing below {last}")
