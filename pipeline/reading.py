"""Reading: a recipe file, a preset under it, and `--set` on top, into a Config or one sentence of refusal."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from manifests.errors import Refused
from pipeline.config import Config

PRESETS = files("pipeline") / "presets"


def preset_names() -> list[str]:
    return sorted(entry.name.removesuffix(".yaml") for entry in PRESETS.iterdir() if entry.name.endswith(".yaml"))


def read_config(recipe: str, changes: Sequence[str] = (), run: str | None = None) -> Config:
    """The config of a recipe file or preset, with `changes` ("a.b.0.c=value") and the run's name on top.

    Raises Refused, naming file, setting and remedy, for anything that does not fit.
    """
    values = _recipe_values(recipe)
    for change in changes:
        _apply(values, change)
    if run is not None:
        values["run"] = run
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise Refused(f"{recipe}: {_sentence(error, values)}") from error


def _recipe_values(recipe: str) -> dict[str, Any]:
    path = Path(recipe).expanduser()
    if path.is_file():
        values = _yaml(path.read_text(encoding="utf-8", errors="replace"), recipe)
    elif recipe in preset_names():
        values = _yaml((PRESETS / f"{recipe}.yaml").read_text(), recipe)
    else:
        raise Refused(f"{recipe} is neither a file nor a preset; presets are: {', '.join(preset_names())}")
    base = values.pop("preset", None)
    if base is None:
        return values
    if base not in preset_names():
        raise Refused(f"{recipe}: preset {base!r} is not known; presets are: {', '.join(preset_names())}")
    return _merged(_recipe_values(base), values)


def _yaml(text: str, where: str) -> dict[str, Any]:
    try:
        values = yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise Refused(f"{where} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise Refused(f"{where} holds no settings; a recipe is a mapping, see the presets")
    return values


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key may stand only once; PyYAML alone takes the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in over.items():
        nested = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = _merged(both[key], value) if nested else value
    return both


def _apply(values: dict[str, Any], change: str) -> None:
    name, equals, text = change.partition("=")
    if not equals or not name:
        raise Refused(f"--set {change}: write it as --set filter.reference_max=0.5")
    *parents, last = name.split(".")
    place: Any = values
    for step in parents:
        place = _entered(place, step, change)
    try:
        _put(place, last, yaml.load(text, _StrictLoader), change)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise Refused(f"--set {change}: the value is not YAML ({' '.join(str(error).split())})") from error


def _entered(place: Any, step: str, change: str) -> Any:
    """The value under `step`, made an empty mapping where there is none yet."""
    if isinstance(place, list):
        if not step.isdigit() or int(step) > len(place):
            raise Refused(f"--set {change}: {step} is no place in a list of {len(place)}")
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


def _sentence(error: ValidationError, values: Any, most: int = 3) -> str:
    found = error.errors()
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(_fault(one, values) for one in found[:most]) + more


def _fault(fault: ErrorDetails, values: Any) -> str:
    where = _where(fault["loc"], values, missing=fault["type"] == "missing")
    what = fault["msg"].removeprefix("Value error, ")
    given = "" if fault["type"] in ("value_error", "missing") else f" (you gave {fault['input']!r})"
    remedy = f", give it with --set {where}=..." if fault["type"] == "missing" else ""
    return f"{where + ': ' if where else ''}{what}{given}{remedy}"


def _where(steps: Sequence[str | int], values: Any, *, missing: bool) -> str:
    """The dotted name of a fault as the recipe spells it: pydantic's own steps (a union's tag) are no part of it."""
    named: list[str] = []
    for number, step in enumerate(steps):
        there = step in values if isinstance(values, dict) else isinstance(values, list) and isinstance(step, int)
        if there:
            values = values[step]
        if there or (missing and number == len(steps) - 1):
            named.append(str(step))
    return ".".join(named)
