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
    for name, part in (("tables", _tables()), ("settings", _settings()), ("encoders", _encoders())):
        text = re.sub(
            rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", lambda m, p=part: m[1] + p + m[2], text, flags=re.S
        )
    return text


def _tables() -> str:
    from manifests.tables import CANDIDATES, COPIES, DIRECTIONS, IMAGES, PAIRS, SKETCHES, embeddings

    schemas = (IMAGES, embeddings({"ENCODER": 768}), DIRECTIONS, SKETCHES, COPIES, CANDIDATES, PAIRS)
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
    from pipeline.config import Config

    return "\n".join(["| setting | default | |", "|---|---|---|", *_rows(Config, "")]) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
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
    found = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    return next((kind for kind in found if issubclass(kind, BaseModel)), None)


def _encoders() -> str:
    from stages.models.encoders import settings

    lines = ["| kind | setting | default | |", "|---|---|---|---|"]
    for model in (settings.OpenClip, settings.Transformers, settings.Timm, settings.Colour, settings.Structure):
        kind = get_args(model.model_fields["kind"].annotation)[0]
        rest = {name: field for name, field in model.model_fields.items() if name != "kind"}
        lines.append(f"| **{kind}** | | | {model.__doc__} |")
        for name, field in rest.items():
            default = "" if field.is_required() else f"`{_yaml(field.default)}`"
            lines.append(f"| | {name} | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def _yaml(value: object) -> str:
    return yaml.safe_dump(value).removesuffix("\n...\n").strip().strip("'")


if __name__ == "__main__":
    README.write_text(rendered(README.read_text()))
    sys.exit(0)
