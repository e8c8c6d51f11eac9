"""Evaluations in the test's own process: what a run's models answered, within a fraction of a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyarrow.dataset import dataset
from world.inline import Inline

from pipeline.launch import evaluate as launching
from pipeline.launch.evaluate import evaluate, of_run
from pipeline.reports.leaderboard.summary import ScoresSummary


@contextmanager
def asked_here() -> Iterator[Inline]:
    """Have evaluations do their tasks in this process; what they made stands in `made`."""
    executor = Inline()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launching, "executor_for", lambda ray: executor)
        yield executor


def evaluated(run: Path, *models: str, **more: Any) -> ScoresSummary:
    """Evaluate these models (as `--model` names them) on the newest questions of a run, here and silently."""
    with asked_here():
        return evaluate(of_run(str(run), models, **more), quiet=True)


def table_of(run: Path, step: str, version: int = 1) -> list[dict[str, Any]]:
    """The rows of one step of an evaluation."""
    return dataset(run / f"evaluation-{version}" / step, format="parquet").to_table().to_pylist()


def score(run: Path, model: str, metric: str, category: str = "all") -> dict[str, Any]:
    """The one row of the scores for this."""
    found = [
        row
        for row in table_of(run, "scores")
        if (row["model"], row["metric"], row["category"]) == (model, metric, category)
    ]
    assert len(found) == 1, found
    return found[0]
