"""How long it takes to score 300 questions put to five models, and to write the page with all replies and images.

    python -m tests.benchmarks.leaderboard [--pairs 150] [--models 5]

The images are drawn scenes; one of the models matches, the others answer. Replies are read, scored and drawn by the
steps that `blindpairs evaluate` runs after the last reply.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from world.evaluations import Evaluated, drawn_pairs, near_cosines, right_with

from manifests.storage import Folder
from pipeline.executors.local_executor import LocalExecutor
from pipeline.reports.leaderboard.write import write_leaderboard
from pipeline.run.evaluation import asked_and_predicted, scoring_steps
from pipeline.run.events.listener import Listener
from pipeline.run.runner import run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--models", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.pairs, asked.models)


def measure(folder: Path, pairs: int, models: int) -> None:
    questions = drawn_pairs(folder / "images", pairs)
    made = Evaluated(folder / "evaluation-1", questions).matching("clip", near_cosines(questions, 0.3))
    for number in range(models - 1):
        made.model(f"model-{number}", right_with(0.5 + 0.1 * number))
    evaluation, begun = Folder(str(made.folder)), time.perf_counter()
    there = asked_and_predicted(evaluation)
    with LocalExecutor() as executor:
        scores = run(scoring_steps(there, "form"), evaluation, executor, Listener(), there=there)["scores"]
    told(f"{2 * pairs} questions x {models} models read and scored: {scores.rows} figures", begun)
    start = time.perf_counter()
    page = Path(write_leaderboard(evaluation))
    told(f"the page, {page.stat().st_size / 1e6:.1f} MB", start)
    told("all", begun)


def told(what: str, since: float) -> None:
    print(f"{time.perf_counter() - since:7.2f} s  {what}")


if __name__ == "__main__":
    main()
