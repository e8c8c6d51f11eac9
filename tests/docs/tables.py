"""Tables: every table that a run holds, and every column."""

from __future__ import annotations

import re
from typing import Any

from .markdown import code, table


def tables() -> str:
    """Return a section for each table, in the order in which an image reaches them."""
    from manifests.tables import CANDIDATES, COPIES, DIRECTIONS, IMAGES, PAIRS, QUESTIONS, SKETCHES, embeddings

    found = (IMAGES, embeddings({"ENCODER": 768}), DIRECTIONS, SKETCHES, COPIES, CANDIDATES, PAIRS, QUESTIONS)
    return "\n".join(map(_table, found))


def evaluation_tables() -> str:
    """Return a section for each table of an evaluation, in the order of its steps."""
    from manifests.evaluation_tables import ANSWERS, ASKED, PREDICTIONS, SCORES, VERDICTS

    return "\n".join(map(_table, (ASKED, PREDICTIONS, VERDICTS, ANSWERS, SCORES)))


def _table(schema: Any) -> str:
    key = ", ".join(map(code, schema.key))
    rows = ((code(name), _kind(kind), sentence) for name, kind, sentence in schema.sentences())
    return f"## {schema.name}\n\nVersion {schema.version}, key {key}.\n\n{table(('column', 'type', 'meaning'), rows)}"


def _kind(kind: str) -> str:
    if kind.startswith("fixed_size_list"):
        return "list of dim floats"
    return re.sub(r"^list<.* (\w+)>$", r"list of \1s", kind)
