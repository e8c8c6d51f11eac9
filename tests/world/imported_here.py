"""Replies that other programs got to a run's exports, imported and scored in the test's own process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from world.evaluations import figures
from world.foreign_programs import Model, run_lmms_eval, run_mmvp, run_vlmevalkit
from world.inline import Inline

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.config.evaluation import named_model, read_evaluation
from pipeline.run.evaluation import asked_and_predicted, asking_steps, scoring_steps
from pipeline.run.events.listener import Listener
from pipeline.run.runner import run as run_steps

PAIRS = 12
PROGRAMS: Mapping[str, tuple[str, Callable[..., Path], str]] = {  # kind -> export, program, its file
    "lmms-eval-log": ("lmms-eval", run_lmms_eval, "20261201_120000_samples_blindpairs_made_v1.jsonl"),
    "vlmevalkit-result": ("vlmevalkit", run_vlmevalkit, "llava_blindpairs_made_v1.tsv"),
    "mmvp-answers": ("mmvp", run_mmvp, "answers.jsonl"),
}


def sometimes_right(number: int, right: str) -> str:
    """Right about all but every third question; of every seventh no word can be read."""
    if number % 7 == 0:
        return "I do not know"
    return right if number % 3 else "AB"[right == "A"]


def is_right(number: int) -> bool:
    return number % 7 != 0 and number % 3 != 0


def evaluated(at: Path, benchmark: Mapping[str, Any], *models: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The scores of models given as on the command line."""
    recipe = {"benchmark": dict(benchmark), "models": dict(map(named_model, models))}
    folder, config = Folder(str(at)), read_evaluation(recipe)
    run_steps(asking_steps(config, folder), folder, Inline(), Listener())
    there = asked_and_predicted(folder)
    run_steps(scoring_steps(there, config.reader), folder, Inline(), Listener(), there=there)
    return figures(folder)


def frozen(run: Path, version: int = 1) -> dict[str, Any]:
    return {"kind": "run", "uri": str(run), "version": version}


def predictions(at: Path, name: str) -> list[dict[str, Any]]:
    manifest = Manifest.open(Folder(str(at / f"predictions-{name}")))
    return [row for batch in manifest.batches(manifest.columns) for row in batch.to_pylist()]


def made(run: Path, kind: str, to: Path, model: Model = sometimes_right, **more: Any) -> Path:
    form, program, name = PROGRAMS[kind]
    return program(run.parent / form, to / name, model, **more)


def share(scores: Mapping[tuple[str, str, str], Mapping[str, Any]], metric: str, model: str = "m") -> tuple[int, int]:
    row = scores[model, "all", metric]
    return row["right"], row["of"]
