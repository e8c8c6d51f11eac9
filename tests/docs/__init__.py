"""Docs: the parts of README.md and docs/ that are made from the code. `python -m tests.docs` writes them.

A part lies between `<!-- generated: NAME -->` and `<!-- end -->`. A test compares every part with the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from . import codes, commands, events, settings, statuses, tables

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}
PARTS: dict[str, Callable[[], str]] = {
    "commands": commands.commands,
    "settings": settings.settings,
    "sources": settings.sources,
    "encoders": settings.encoders,
    "presets": settings.presets,
    "evaluation": settings.evaluation,
    "benchmarks": settings.benchmarks,
    "models": settings.models,
    "tables": tables.tables,
    "evaluation_tables": tables.evaluation_tables,
    "statuses": statuses.statuses,
    "exits": statuses.exits,
    "faults": codes.faults,
    "checks": codes.checks,
    "forms": codes.forms,
    "events": events.kinds,
    "fields": events.fields,
    "metrics": events.metrics,
}


def rendered(text: str) -> str:
    """Return the page with every generated part as the code has it now. Raises KeyError for an unknown part."""
    return re.sub(
        r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n{PARTS[found[2]]().strip()}\n\n{found[3]}",
        text,
        flags=re.DOTALL,
    )
