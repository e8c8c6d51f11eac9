"""Settings: every setting with its default and its sentence, the kinds of sources and encoders, the presets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import yaml
from pydantic import BaseModel

from .markdown import code, table

HEAD = ("setting", "default", "meaning")


def settings() -> str:
    """Return a table for each section of a recipe."""
    from pipeline.config.settings import Config

    parts = [table(HEAD, _rows(Config, "", without={name for name, _ in _sections(Config)}))]
    for name, model in _sections(Config):
        parts.append(f"### {name}\n\n{_sentence(model)}{table(HEAD, _rows(model, f'{name}.'))}")
    return "\n".join(parts)


def sources() -> str:
    """Return a section for each kind of source."""
    from stages.download.settings import KINDS, SourceSettings

    return _by_kind(tuple(KINDS.values()), {*SourceSettings.model_fields})


def encoders() -> str:
    """Return a section for each kind of encoder."""
    from stages.models.encoders import settings as models

    kinds = (models.OpenClip, models.Transformers, models.Timm, models.Colour, models.Structure)
    return _by_kind(kinds, set())


def evaluation() -> str:
    """Return a table of what a recipe of an evaluation has besides its benchmark and models."""
    from pipeline.config.evaluation import Evaluation

    return table(HEAD, _rows(Evaluation, "", {"benchmark", "models", "grader", "workers"}))


def benchmarks() -> str:
    """Return a section for each kind of benchmark."""
    from stages.evaluate.settings import Published, RunQuestions

    return _by_kind((RunQuestions, Published), set())


def models() -> str:
    """Return what all models that answer have in common, and a section for each kind of model."""
    from stages.evaluate.imports.settings import IMPORTED
    from stages.models.answering.settings import ANSWERING, Answering
    from stages.models.matching.settings import OpenClipTowers, TransformersTowers

    shared = table(HEAD, _rows(Answering, "", {"kind"}))
    parts = (
        _by_kind(ANSWERING, {*Answering.model_fields}),
        _by_kind((OpenClipTowers, TransformersTowers, *IMPORTED), set()),
    )
    return "\n".join((shared, *parts))


def presets() -> str:
    """Return every preset as its file is."""
    from pipeline.cli.make import preset_names
    from pipeline.cli.make import presets as printed

    return "\n".join(f'### {name}\n\n```yaml title="{name}"\n{printed(name)}\n```\n' for name in preset_names())


def _sections(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        if (inner := _inner(field.annotation)) is not None:
            yield name, inner


def _sentence(model: type[BaseModel]) -> str:
    return f"{' '.join(model.__doc__.split())}\n\n" if model.__doc__ else ""


def _rows(model: type[BaseModel], prefix: str, without: set[str] = frozenset()) -> Iterator[tuple[str, str, str]]:
    for name, field in ((name, field) for name, field in model.model_fields.items() if name not in without):
        inner = _inner(field.annotation)
        if prefix == "workers." and name != "images":
            continue
        if inner is not None:
            shown = "sources.0." if name == "sources" else f"{name}."
            yield from _rows(inner, prefix + ("STEP." if prefix == "workers." else shown))
        else:
            default = "required" if field.is_required() else code(_yaml(field.default))
            yield code(prefix + name), default, field.description or ""


def _inner(annotation) -> type[BaseModel] | None:
    from stages.download.settings import AnySource, SourceSettings

    if AnySource in get_args(annotation):  # what all sources have; the rest is told by kind
        return SourceSettings
    found = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    return next((kind for kind in found if issubclass(kind, BaseModel)), None)


def _by_kind(models: tuple[type[BaseModel], ...], shared: set[str]) -> str:
    """Return for each kind its sentence and the settings that are its own."""
    return "\n".join(_kind(model, shared) for model in models)


def _kind(model: type[BaseModel], shared: set[str]) -> str:
    rows = list(_rows(model, "", {*shared, "kind"}))
    name = ", ".join(get_args(model.model_fields["kind"].annotation))
    return f"### kind: {name}\n\n{_sentence(model)}{table(HEAD, rows) if rows else ''}"


def _yaml(value: object) -> str:
    return yaml.safe_dump(value).removesuffix("\n...\n").strip().strip("'")
