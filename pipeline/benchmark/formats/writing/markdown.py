"""Markdown: our texts with other people's words in them, which must remain plain text."""

from __future__ import annotations

import re
import shlex
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

TEMPLATES = files("pipeline.benchmark.formats.writing") / "templates"
MARKS = re.compile(r"([\\`*_\[\]|~$])")
HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def filled(template: str, **values: Any) -> str:
    """Render a template of this package with `values`: HTML in them is escaped, with the filter `words` Markdown too.

    The filter `typed` makes a value one word of a command that a person copies out of a code block.
    """
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(words=words, typed=typed, number=lambda value: f"{value:,}")
    return made.from_string((TEMPLATES / template).read_text(encoding="utf-8")).render(**values)


def typed(text: str) -> Markup:
    return Markup(shlex.quote(_line(text)))  # noqa: S704 - nothing in a block of code is HTML


def words(text: object) -> Markup:
    """Return `text` as one line of Markdown, also for a table's cell, such that nothing in it is markup."""
    return Markup(MARKS.sub(r"\\\1", _line(text)).translate(HTML))  # noqa: S704 - what HTML could begin with is gone


def _line(text: object) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in str(text)).split())
