"""How long 300 questions take from the authors' store to every form: frozen, checked, written.

    python -m tests.benchmarks.export_all [--pairs 150] [--pixels 500]

Photos are drawn JPEGs of so many pixels a side. Each form is an export of its own, which checks everything again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from world import authoring

from pipeline.benchmark.formats.writing.forms import FORMS, OF_THE_RUN
from pipeline.benchmark.freeze import freeze
from pipeline.cli.formats import export_to
from pipeline.run.run import Run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--pixels", type=int, default=500)
    asked = parser.parse_args()
    authoring.SIDE = asked.pixels
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.pairs)


def measure(folder: Path, pairs: int) -> None:
    training = pairs // 10
    run = authoring.paired_run(folder, pairs + training)
    authoring.author(run, range(pairs))
    authoring.author(run, range(pairs, pairs + training), use="training")
    begun = time.perf_counter()
    _, manifest, _ = freeze(Run.open(str(run)))
    told(f"freeze: {manifest.rows} questions, of which {2 * training} for training", begun)
    for form in (*FORMS, *OF_THE_RUN):
        start = time.perf_counter()
        answer = export_to(Run.open(str(run)), form, folder / form)
        told(f"{form}: {answer.pairs} pairs, {len(answer.findings)} findings", start)
    told("all", begun)


def told(what: str, since: float) -> None:
    print(f"{time.perf_counter() - since:7.2f} s  {what}")


if __name__ == "__main__":
    main()
