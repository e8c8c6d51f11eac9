"""Whether VLMEvalKit itself reads and scores our export: a check to run by hand, for it installs some 7 GB.

Freezes a benchmark of 12 pairs and exports it twice: as it is, and with options that are all numbers, which pandas
would tell otherwise. VLMEvalKit's own runner, in an environment of its own, runs both as the export's README says with
two models, and the export's pair_score.py counts the pairs of what it wrote: `looking` looks at the image (it knows
each image's pixels, and finds their words among the options of the prompt), `blind` answers by the prompt alone.
Expected: 1.0 and 1.0; 0.5 and exactly 0. Then its own functions and our reader read the same random replies
(readers_check.py). The package is ModelScope's of VLMEvalKit, which its authors do not publish as one.

    python -m tests.benchmarks.vlmevalkit_check [--environment FOLDER] [--ms-vlmeval 0.0.20] [--pairs 12]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.benchmark.benchmark import Benchmark
from pipeline.benchmark.formats.writing.vlmevalkit import FORM, SCORER, data_name
from tests.benchmarks.kits import environment, frozen_benchmark, right_words
from tests.benchmarks.readers_check import SHEETS, check_vlmevalkit, installed

EXPECTED = {"looking": (1.0, 1.0), "blind": (0.5, 0.0)}
NUMBERS = ("1.50", "007")
RUNNER = """
import hashlib, json, os, re
from pathlib import Path
from PIL import Image
from vlmeval import run
from vlmeval.config import supported_VLM
from vlmeval.vlm.base import BaseModel

class Blind(BaseModel):
    def __init__(self, **ignored):
        pass

    def generate_inner(self, message, dataset=None):
        prompt, path = (next(one["value"] for one in message if one["type"] == kind) for kind in ("text", "image"))
        return self.reply(prompt, path)

    def reply(self, prompt, path):
        return "AB"[hashlib.sha256(prompt.encode()).digest()[0] % 2]

class Looking(Blind):
    def reply(self, prompt, path):
        known = json.loads(Path(os.environ["BLINDPAIRS_KNOWN"]).read_text())
        words = known[hashlib.sha256(Image.open(path).convert("RGB").tobytes()).hexdigest()]
        options = re.findall(r"^([AB])[.] (.*)$", prompt, re.MULTILINE)
        (letter,) = [letter for letter, option in options if option == words]
        return letter

supported_VLM |= {"looking": Looking, "blind": Blind}
run.main()
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "blindpairs-vlmevalkit")
    parser.add_argument("--ms-vlmeval", default="0.0.20", metavar="VERSION")
    parser.add_argument("--pairs", type=int, default=12)
    asked = parser.parse_args()
    python = environment(asked.environment, f"ms-vlmeval=={asked.ms_vlmeval}")
    with tempfile.TemporaryDirectory() as name:
        words = frozen_benchmark(Path(name), asked.pairs, FORM)
        numbers = replace(words, pairs=tuple(replace(pair, options=NUMBERS) for pair in words.pairs))
        found = [_checked(Path(name), python, *one) for one in (("words", words), ("numbers", numbers))]
    differ = check_vlmevalkit(installed(python, "vlmeval"), SHEETS)
    sys.exit(found != [EXPECTED, EXPECTED] or differ > 0)


def _checked(root: Path, python: Path, called: str, benchmark: Benchmark) -> Mapping[str, tuple[float, float]]:
    (folder := root / called).mkdir()
    FORM.write(benchmark, folder)
    (folder / "known.json").write_text(json.dumps(right_words(benchmark)))
    (folder / "runner.py").write_text(RUNNER)
    found = {model: _scored(folder, python, data_name(benchmark), model) for model in EXPECTED}
    for model, (accuracy, pair_accuracy) in found.items():
        print(f"{called:<8} {model:<8} accuracy {accuracy}, pair accuracy {pair_accuracy} (expected {EXPECTED[model]})")
    return found


def _scored(folder: Path, python: Path, name: str, model: str) -> tuple[float, float]:
    """VLMEvalKit's own accuracy, and the pair accuracy that the export's script makes of its results."""
    told = {"LMUData": str(folder), "BLINDPAIRS_KNOWN": str(folder / "known.json"), "CUDA_VISIBLE_DEVICES": ""}
    words = ["--data", name, "--model", model, "--judge", "exact_matching", "--work-dir", "outputs"]
    command, results = [python, "runner.py", *words], folder / "outputs" / model
    ended = subprocess.run(command, cwd=folder, env=os.environ | told, capture_output=True, text=True)
    if not (scores := sorted(results.rglob("*_acc.csv"))):
        sys.exit(f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}\nVLMEvalKit wrote no accuracy")
    with scores[-1].open(newline="") as file:
        accuracy = float(next(csv.DictReader(file))["Overall"])
    return accuracy, _pair_accuracy(folder, next(results.rglob(f"{model}_{name}.xlsx")), python)


def _pair_accuracy(folder: Path, answers: Path, python: Path) -> float:
    """As the export's script prints it."""
    said = subprocess.run([python, SCORER, answers], cwd=folder, capture_output=True, text=True, check=True).stdout
    return float(said.split("pair accuracy")[1].split()[0])


if __name__ == "__main__":
    main()
