"""Evaluations: which request the arguments of `evaluate` describe, and which of them do not apply to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.cli.unused import check_unused
from pipeline.config.evaluation import grader_setting
from pipeline.launch.evaluate import EvaluationRequest, of_files, of_recipe, of_run


def requested(
    benchmark: str,
    models: Sequence[str],
    version: int | None,
    kind: str | None,
    images: str | None,
    to: str | None,
    prompt: str | None,
    grader: str | None,
    changes: Sequence[str],
) -> EvaluationRequest:
    """Return the checked request. Raises Refused for arguments that do not apply, or as the requests do."""
    graded = [] if grader is None else [grader_setting(grader)]
    if kind is not None:
        check_unused("published files", {"--questions": version})
        at = to or f"runs/{Path(benchmark).stem}-evaluation"
        return of_files(benchmark, kind, models, at, images=images, prompt=prompt, changes=[*changes, *graded])
    if Path(benchmark).is_file():
        check_unused("a recipe", {"--questions": version, "--images": images, "--prompt": prompt, "--model": models})
        return of_recipe(benchmark, to, [*changes, *graded])
    check_unused("a run", {"--images": images, "--to": to})
    return of_run(benchmark, models, version=version, prompt=prompt, changes=[*changes, *graded])
