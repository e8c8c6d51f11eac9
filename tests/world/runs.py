"""Making runs in tests: a recipe as values, the real runner, on real processes."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.config.settings import Config
from pipeline.executors.local_executor import LocalExecutor
from pipeline.run.events.listener import Listener
from pipeline.run.events.progress import Progress
from pipeline.run.recipe import steps
from pipeline.run.runner import run

BUILT_IN = {"colour": {"kind": "colour"}, "structure": {"kind": "structure"}}


def recipe(sources: list[Mapping[str, Any]], **sections: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's values: built-in encoders and the demo's thresholds unless a section says otherwise."""
    values: dict[str, Any] = {
        "run": "test",
        "images": {"sources": list(sources)},
        "embed": {"encoders": BUILT_IN},
        "search": {"blind": "colour", "reference": "structure", "min_cosine": 0.9},
        "filter": {"blind_min": 0.95, "reference_max": 0.6},
    }
    for name, changes in sections.items():
        values[name] = {**values.get(name, {}), **changes}
    return values


def make(
    values: Mapping[str, Any], root: Path, until: str | None = None, listener: Listener | None = None
) -> dict[str, Manifest]:
    """Run a recipe; step -> manifest."""
    config = Config.model_validate(values)
    wanted = steps(config)
    names = [step.name for step in wanted]
    wanted = wanted[: names.index(until) + 1] if until else wanted
    with LocalExecutor() as executor, Progress(Console(file=StringIO())) as progress:
        return run(wanted, Folder(str(root)) / config.run, executor, listener or progress)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file a step's folder holds, but for hidden leftovers."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
