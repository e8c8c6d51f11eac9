"""What a run costs that has little or nothing to do: `make bench-rerun`.

A source of many small tars is made once. Then the same command again (nothing to do), again with some
tars more (only these, and the tiles that meet them), and again. Beside the seconds: how many tasks were
done, step by step. Last, a step of a thousand tasks that do next to nothing: what a task costs beyond
its own work.

    python -m tests.benchmarks.rerun [--shards 10000] [--more 100] [--tasks 1000] [--ray off|local|ADDRESS] [--in DIR]
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from PIL import Image

from manifests.storage import Folder
from pipeline.config.settings import Config, WorkerSettings
from pipeline.executors.choice import executor_for
from pipeline.executors.executor import Executor, Retry
from pipeline.executors.worker import Job, Outcome
from pipeline.run.events.listener import Listener
from pipeline.run.recipe import Step, steps
from pipeline.run.runner import run
from tests.benchmarks.idle import Idle


def main() -> None:
    asked = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        _report(f"made, {asked.shards:,} shards", *_made(folder, asked, asked.shards))
        _report("the same again", *_made(folder, asked, asked.shards))
        print(f"the whole command again: {_command(folder, _recipe(folder)):.2f} s", flush=True)
        _report(f"{asked.more:,} shards more", *_made(folder, asked, asked.shards + asked.more))
        _report("the same again", *_made(folder, asked, asked.shards + asked.more))
        with executor_for(asked.ray) as executor:
            print(_overhead(executor, Folder(f"{folder}/idle"), asked.tasks))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shards", type=int, default=10_000)
    parser.add_argument("--more", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--ray", default="off")
    parser.add_argument("--in", dest="folder", type=Path, help="an empty folder, which is kept")
    return parser.parse_args()


class Tally(Listener):
    """Counts the tasks of each step."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()

    def advanced(self, step: Step, outcome: Outcome) -> None:
        assert outcome.receipt, outcome.error
        self.done[step.name] += 1


def _made(folder: Path, asked: argparse.Namespace, shards: int) -> tuple[float, Counter[str]]:
    """Seconds of a run over so many tars, and the tasks of each step."""
    _write_tars(folder / "tars", shards)
    wanted, tally = steps(Config.model_validate(_recipe(folder))), Tally()
    began = time.perf_counter()
    with executor_for(asked.ray) as executor:
        run(wanted, Folder(f"{folder}/run"), executor, tally)
    return time.perf_counter() - began, tally.done


def _recipe(folder: Path) -> dict[str, object]:
    return {
        "run": "run",
        "images": {"sources": [{"name": "tars", "kind": "shards", "uri": f"{folder}/tars/*.tar"}]},
        "embed": {"encoders": {"colour": {"kind": "colour"}, "structure": {"kind": "structure"}}},
        "search": {"blind": "colour", "reference": "structure"},
    }


def _command(folder: Path, recipe: dict[str, object]) -> float:
    """Seconds of `blindpairs run` from its start to its end, with every step and the gallery there."""
    (folder / "recipe.yaml").write_text(json.dumps(recipe))  # JSON is YAML
    words = ["run", str(folder / "recipe.yaml"), "--root", str(folder)]
    for _ in range(2):  # the first time it writes the gallery
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pipeline.cli.app", *words], check=True, capture_output=True)
    return time.perf_counter() - began


def _write_tars(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(len(list(folder.iterdir())), count):
        drawn, stream = Image.new("RGB", (16, 16)), io.BytesIO()
        drawn.putdata([tuple(pixel) for pixel in zip(*[iter(Random(number).randbytes(768))] * 3, strict=True)])
        drawn.save(stream, "PNG")
        with tarfile.open(folder / f"{number:05}.tar", "w") as archive:
            entry = tarfile.TarInfo(f"{number:05}.png")
            entry.size = stream.tell()
            archive.addfile(entry, io.BytesIO(stream.getvalue()))


def _overhead(executor: Executor, folder: Folder, count: int) -> str:
    """What each task of a step cost beyond its own work, all workers busy."""
    stage = Idle(count)
    job, at, outcomes = Job(stage, folder, {}, 1.0), [time.perf_counter()], list[Outcome]()
    for heard in executor.execute(job, stage.plan({}), WorkerSettings()):
        assert not isinstance(heard, Retry), heard
        outcomes.append(heard)
        at.append(time.perf_counter())
    work, beside = sum(outcome.seconds for outcome in outcomes), _beside(outcomes, at[1:])
    return (
        f"a step of {count:,} tasks: {at[-1] - at[0]:.2f} s, the first after {at[1] - at[0]:.2f} s; a task's work "
        f"{1e3 * work / count:.2f} ms, between two of a worker's {1e3 * beside:.2f} ms"
    )


def _beside(outcomes: list[Outcome], at: list[float]) -> float:
    """Seconds from the end of a task to the begin of the next of the same worker, on average; `at`: when heard of."""
    heard: dict[str, list[tuple[float, float]]] = {}
    for outcome, when in zip(outcomes, at, strict=True):
        heard.setdefault(outcome.where, []).append((when, outcome.seconds))
    idle = [(all_[-1][0] - all_[0][0]) - sum(seconds for _, seconds in all_[1:]) for all_ in heard.values()]
    return sum(idle) / max(sum(len(all_) - 1 for all_ in heard.values()), 1)


def _report(what: str, seconds: float, tasks: Counter[str]) -> None:
    told = ", ".join(f"{step} {count:,}" for step, count in tasks.items()) or "none"
    print(f"{what}: {seconds:.2f} s, {tasks.total():,} tasks ({told})", flush=True)


if __name__ == "__main__":
    main()
