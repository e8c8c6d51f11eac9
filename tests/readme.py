"""The parts of the README that are made from the code: `python -m tests.readme` writes them, a test compares."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel

README = Path(__file__).parents[1] / "README.md"


def rendered(text: str) -> str:
    """The README with every generated part as the code has it now."""
    parts = {
        "tables": _tables,
        "settings": _settings,
        "sources": _sources,
        "encoders": _encoders,
        "faults": _faults,
        "forms": _forms,
        "checks": _checks,
    }
    for name, part in ((name, made()) for name, made in parts.items()):
        text = re.sub(
            rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", lambda m, p=part: m[1] + p + m[2], text, flags=re.S
        )
    return text


def _tables() -> str:
    from manifests.tables import CANDIDATES, COPIES, DIRECTIONS, IMAGES, PAIRS, QUESTIONS, SKETCHES, embeddings

    schemas = (IMAGES, embeddings({"ENCODER": 768}), DIRECTIONS, SKETCHES, COPIES, CANDIDATES, PAIRS, QUESTIONS)
    return "\n".join("\n".join(_table(schema)) + "\n" for schema in schemas)


def _table(schema) -> Iterator[str]:
    yield f"**{schema.name}** (version {schema.version}, key {', '.join(schema.key)})\n"
    yield "| column | type | |"
    yield "|---|---|---|"
    for name, kind, sentence in schema.sentences():
        kind = "list of dim floats" if kind.startswith("fixed_size_list") else kind
        kind = f"list of {kind.split()[-1].rstrip('>')}s" if kind.startswith("list<") else kind
        yield f"| {name} | {kind} | {sentence} |"


def _settings() -> str:
    from pipeline.config.settings import Config

    return "\n".join(["| setting | default | |", "|---|---|---|", *_rows(Config, "")]) + "\n"


def _rows(model: type[BaseModel], prefix: str, without: set[str] = frozenset()) -> Iterator[str]:
    for name, field in ((name, field) for name, field in model.model_fields.items() if name not in without):
        inner = _inner(field.annotation)
        if prefix == "workers." and name != "images":
            continue
        if inner is not None:
            shown = {"sources": "sources.0.", "workers": "workers."}.get(name, f"{name}.")
            yield from _rows(inner, prefix + ("STEP." if prefix == "workers." else shown))
        else:
            default = "" if field.is_required() else f"`{_yaml(field.default)}`"
            yield f"| {prefix}{name} | {default} | {field.description or ''} |"


def _inner(annotation) -> type[BaseModel] | None:
    from stages.download.settings import AnySource, SourceSettings

    if AnySource in get_args(annotation):  # what all sources have; the rest is told by kind
        return SourceSettings
    found = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    return next((kind for kind in found if issubclass(kind, BaseModel)), None)


def _encoders() -> str:
    from stages.models.encoders import settings

    models = (settings.OpenClip, settings.Transformers, settings.Timm, settings.Colour, settings.Structure)
    return _by_kind(models, set())


def _sources() -> str:
    from stages.download.settings import KINDS, SourceSettings

    return _by_kind(tuple(KINDS.values()), set(SourceSettings.model_fields))


def _faults() -> str:
    from pipeline.reports.lint.codes import codes

    rows = [f"| {code} | {severity} | {sentence} |" for code, severity, sentence in codes()]
    return "\n".join(["| code | severity | |", "|---|---|---|", *rows]) + "\n"


def _forms() -> str:
    from pipeline.benchmark.formats.writing.forms import FORMS, OF_THE_RUN

    rows = [f"| `{form.name}` | {form.says} |" for form in (*FORMS.values(), *OF_THE_RUN.values())]
    return "\n".join(["| `--format` | what comes of it |", "|---|---|", *rows]) + "\n"


def _checks() -> str:
    from pipeline.benchmark.checks.codes import CODES, KNOWN

    rows = [
        f"| {code.name} | {code.severity}{' (may be accepted)' if code.name in CODES else ''} | {code.meaning} |"
        for code in KNOWN.values()
    ]
    return "\n".join(["| code | severity | |", "|---|---|---|", *rows]) + "\n"


def _by_kind(models: tuple[type[BaseModel], ...], shared: set[str]) -> str:
    """A line for each kind, then for each setting that is its own."""
    lines = ["| kind | setting | default | |", "|---|---|---|---|"]
    for model in models:
        kind = get_args(model.model_fields["kind"].annotation)[0]
        lines.append(f"| **{kind}** | | | {model.__doc__} |")
        lines += [f"| {row}" for row in _rows(model, "", {*shared, "kind"})]
    return "\n".join(lines) + "\n"


def _yaml(value: object) -> str:
    return yaml.safe_dump(value).removesuffix("\n...\n").strip().strip("'")


if __name__ == "__main__":
    README.write_text(rendered(README.read_text()))
    sys.exit(0)
