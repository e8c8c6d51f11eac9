"""Evaluation: the settings of an evaluation, from a recipe file or from the command line's short form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from manifests.errors import Refused
from pipeline.config.changes import Change, Setting
from pipeline.config.loading import Recipe, read_settings
from pipeline.config.settings import WorkerSettings
from stages.evaluate.imports.settings import IMPORTED_KINDS
from stages.evaluate.settings import BenchmarkSettings, ModelName, ModelSettings, ReaderName
from stages.models.answering.settings import Server
from stages.models.matching.settings import MATCHING_KINDS
from stages.settings import Settings

FORM = "NAME=KIND[:MODEL][,SETTING=VALUE]..., such as llava=transformers:llava-hf/llava-1.5-7b-hf,prompt=mmvp"


class Evaluation(Settings):
    """A complete recipe of an evaluation."""

    benchmark: BenchmarkSettings
    models: dict[ModelName, ModelSettings] = Field(description="the models to ask, each under a name that you choose")
    reader: ReaderName = Field("form", description="whose rules read the replies; form: those of the prompt form")
    grader: Server | None = Field(None, description="a language model that judges replies, as MMVP's grader does")
    workers: WorkerSettings = WorkerSettings()


def read_evaluation(recipe: Recipe, changes: Sequence[Change] = ()) -> Evaluation:
    """Read an evaluation's recipe, with `changes` on top. Raises Refused, naming file, setting and remedy."""
    return read_settings(Evaluation, recipe, changes)


def named_model(text: str, prompt: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the name and the settings of a model given as FORM. `prompt`: the form for one that names none itself.

    It is not for models that match, which are given statements, nor for replies in a file, which are there already; of
    such a file MODEL is its `uri`. Raises Refused for anything that is not of this form; the values themselves are
    checked with the recipe.
    """
    name, equals, spec = text.partition("=")
    if not (name and equals) or (values := _values(spec)) is None:
        raise Refused(f"--model {text}: write it as {FORM}")
    kind = values["kind"]
    if kind in IMPORTED_KINDS and "model" in values:
        values["uri"] = values.pop("model")
    if prompt is not None and kind not in (*MATCHING_KINDS, *IMPORTED_KINDS):
        values.setdefault("prompt", prompt)
    return name, values


def grader_setting(text: str) -> Setting:
    """Return the setting for a grader given as KIND:MODEL,SETTING=VALUE,... Raises Refused as `named_model` does."""
    if (values := _values(text)) is None:
        raise Refused(f"--grader {text}: write it as openai:MODEL,url=URL")
    return Setting("grader", values)


def _values(spec: str) -> dict[str, Any] | None:
    """Return the settings in KIND[:MODEL][,SETTING=VALUE]...; None if it is not of this form."""
    words, *pairs = spec.split(",")
    kind, _, model = words.partition(":")
    if not kind or any("=" not in pair for pair in pairs):
        return None
    values: dict[str, Any] = {"kind": kind} | ({"model": model} if model else {})
    return values | {key: _value(value) for key, _, value in (pair.partition("=") for pair in pairs)}


def _value(text: str) -> Any:
    words: Mapping[str, Any] = {"true": True, "false": False, "null": None}
    return words.get(text.lower(), text)
