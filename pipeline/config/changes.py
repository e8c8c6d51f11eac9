"""Changes: apply `--set NAME=VALUE` to a recipe's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifests.errors import Refused

Parse = Callable[[str], Any]


def apply(values: dict[str, Any], change: str, parse: Parse) -> None:
    """Apply one change ("a.b.0.c=value") to `values`; `parse` reads YAML.

    A text is taken literally: only values in quotes or brackets, numbers, true, false and null are
    read as YAML, so that a path may contain a " #" or a ": ". Raises Refused, quoting the change.
    """
    name, equals, text = change.partition("=")
    if not equals or not name:
        raise Refused(f"--set {change}: write it as --set filter.reference_max=0.5")
    *parents, last = name.split(".")
    place: Any = values
    for step in parents:
        place = _entered(place, step, change)
    _put(place, last, _value(text, change, parse), change)


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


def _entered(place: Any, step: str, change: str) -> Any:
    """Return the value under `step`, created as an empty mapping where there is none yet."""
    if isinstance(place, list):
        if not (step.isascii() and step.isdigit()) or int(step) > len(place):
            raise Refused(f"--set {change}: {step} is not a place in a list of {len(place)}")
        if int(step) == len(place):
            place.append({})
        return place[int(step)]
    if not isinstance(place, dict):
        raise Refused(f"--set {change}: there is nothing below {step}")
    if place.get(step) is None:
        place[step] = {}
    return place[step]


def _put(place: Any, last: str, value: Any, change: str) -> None:
    if isinstance(place, list):
        _entered(place, last, change)
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise Refused(f"--set {change}: there is nothing below {last}")
