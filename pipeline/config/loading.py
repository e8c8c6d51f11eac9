"""Loading: read a recipe file, the preset under it, and `--set` on top, into a Config or a one-sentence refusal."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from manifests.errors import Refused
from manifests.parsing import TOO_DEEP, check_depth
from pipeline.config.changes import Change, Setting, apply, plain_values
from pipeline.config.faults import sentence
from pipeline.config.settings import Config
from stages.settings import Settings
from stages.text import did_you_mean

S = TypeVar("S", bound=Settings)
PRESETS = files("pipeline.config") / "presets"
Recipe = str | Mapping[str, Any]  # a preset's name, the path of a YAML file, or the values themselves


def preset_names() -> list[str]:
    return sorted(entry.name.removesuffix(".yaml") for entry in PRESETS.iterdir() if entry.name.endswith(".yaml"))


def unknown_preset(name: Any) -> str:
    """Return what to say of a preset that does not exist."""
    hint = did_you_mean(str(name), preset_names())
    return f"preset {name!r} is not known; {hint}presets are: {', '.join(preset_names())}"


def read_config(recipe: Recipe, changes: Sequence[Change] = (), run: str | None = None) -> Config:
    """Read the config of a recipe, with `changes` ("a.b.0.c=value", or a Setting) and the run's name on top.

    Raises Refused, naming file, setting and remedy, for anything invalid.
    """
    return read_settings(Config, recipe, [*changes, *([] if run is None else [Setting("run", run)])])


def read_settings(kind: type[S], recipe: Recipe, changes: Sequence[Change] = ()) -> S:
    """Read a recipe's values, with `changes` on top, as settings of this kind. Raises as `read_config` does."""
    values = _recipe_values(recipe)
    for change in changes:
        apply(values, change, _parsed)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise Refused(f"{recipe_name(recipe)}: {sentence(error, values)}") from error


def recipe_name(recipe: Recipe) -> str:
    """Return what to call a recipe in messages and in the event log."""
    return recipe if isinstance(recipe, str) else "the recipe given as a mapping"


def named_values(recipe: Recipe, changes: Sequence[Change] = ()) -> dict[str, Any]:
    """Return the settings that a recipe itself and `changes` give, without those of any preset."""
    values = _own_values(recipe) or {}
    for change in changes:
        apply(values, change, _parsed)
    return values


def _own_values(recipe: Recipe) -> dict[str, Any] | None:
    """Return a copy of what a mapping or a recipe file holds; None if `recipe` is neither."""
    if not isinstance(recipe, str):
        return dict(plain_values(recipe, recipe_name(recipe)))
    path = Path(os.path.expanduser(recipe))
    return _mapping(path.read_text(encoding="utf-8", errors="replace"), recipe) if path.is_file() else None


def _recipe_values(recipe: Recipe) -> dict[str, Any]:
    if (own := _own_values(recipe)) is not None:
        values = own
    elif isinstance(recipe, str) and recipe in preset_names():
        values = _mapping((PRESETS / f"{recipe}.yaml").read_text(), recipe)
    else:
        if isinstance(recipe, str) and Path(os.path.expanduser(recipe)).is_dir():
            raise Refused(f"{recipe} is a folder: give the recipe (a YAML file or a preset) that the run was made with")
        hint = did_you_mean(str(recipe), preset_names())
        raise Refused(f"{recipe} is neither a file nor a preset; {hint}presets are: {', '.join(preset_names())}")
    base = values.pop("preset", None)
    if base is None:
        return values
    if base not in preset_names():
        raise Refused(f"{recipe_name(recipe)}: {unknown_preset(base)}")
    return _merged(_recipe_values(base), values)


def _mapping(text: str, where: str) -> dict[str, Any]:
    try:
        values = _parsed(text)
    except ValueError as error:
        raise Refused(f"{where} is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise Refused(f"{where} holds no settings; a recipe is a mapping, see the presets")
    return values


def _parsed(text: str) -> Any:
    """Parse `text` as YAML. Raises ValueError, in one line, where it is not YAML."""
    try:
        value = yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader
        check_depth(value)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(" ".join(str(error).split())[:300]) from error
    return value


class _StrictLoader(yaml.SafeLoader):
    """Loads YAML in which a key may occur only once; PyYAML alone silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `over` onto `base`; a mapping given with its `kind`, such as an encoder, replaces the old one."""
    both = dict(base)
    for key, value in over.items():
        nested = isinstance(value, dict) and isinstance(both.get(key), dict) and "kind" not in value
        both[key] = _merged(both[key], value) if nested else value
    return both
