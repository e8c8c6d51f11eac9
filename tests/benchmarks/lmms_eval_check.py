"""Whether lmms-eval itself loads and scores our export: a check to run by hand, for it installs some 7 GB.

Freezes a benchmark of 12 pairs, exports it, and has lmms-eval's own command line, in an environment of its own, run it
as the export's README says, with two models: `looking` looks at the image (it knows each image's pixels, and finds
their words among the options of the prompt), `blind` answers by the prompt alone. Expected: 1.0 and 1.0; 0.5 and
exactly 0. Then its own functions and our reader read the same random replies (readers_check.py).

    python -m tests.benchmarks.lmms_eval_check [--environment FOLDER] [--lmms-eval 0.7.3] [--pairs 12]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.benchmark.formats.writing.lmms_eval import FORM, task_name
from tests.benchmarks.kits import environment, frozen_benchmark, right_words
from tests.benchmarks.readers_check import SHEETS, check_lmms_eval, installed

EXPECTED = {"blindpairs_looking": (1.0, 1.0), "blindpairs_blind": (0.5, 0.0)}
BESIDE = ("filelock<4",)  # lmms-eval 0.7.3 imports a module that filelock 4 no longer has
VERSIONS = """
import sys
from importlib.metadata import version
print("lmms-eval", version("lmms-eval"), "datasets", version("datasets"), "Python", sys.version.split()[0])
"""
MODELS = """
import hashlib, json, os, re
from pathlib import Path
from lmms_eval.api.model import lmms
from lmms_eval.models.registry_v2 import ModelManifest

class Blind(lmms):
    is_simple = True

    def __init__(self, **ignored):
        super().__init__()

    def generate_until(self, requests):
        return [self.reply(*request.args) for request in requests]

    def reply(self, prompt, how, pictures_of, number, task, split):
        return "AB"[hashlib.sha256(prompt.encode()).digest()[0] % 2]

    def loglikelihood(self, requests):
        raise NotImplementedError

    def generate_until_multi_round(self, requests):
        raise NotImplementedError

class Looking(Blind):
    def reply(self, prompt, how, pictures_of, number, task, split):
        known = json.loads(Path(os.environ["BLINDPAIRS_KNOWN"]).read_text())
        (picture,) = pictures_of(self.task_dict[task][split][number])
        words = known[hashlib.sha256(picture.tobytes()).hexdigest()]
        options = re.findall(r"^([AB])[.] (.*)$", prompt, re.MULTILINE)
        (letter,) = [letter for letter, option in options if option == words]
        return letter

def manifests():
    return [
        ModelManifest(model_id="blindpairs_looking", simple_class_path="blindpairs_models.Looking"),
        ModelManifest(model_id="blindpairs_blind", simple_class_path="blindpairs_models.Blind"),
    ]
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "blindpairs-lmms-eval")
    parser.add_argument("--lmms-eval", default="0.7.3", metavar="VERSION")
    parser.add_argument("--pairs", type=int, default=12)
    asked = parser.parse_args()
    python = environment(asked.environment, f"lmms-eval=={asked.lmms_eval}", *BESIDE)
    subprocess.run([python, "-c", VERSIONS], check=True)
    with tempfile.TemporaryDirectory() as name:
        task = _exported(Path(name), asked.pairs)
        _write_models(Path(name))
        found = {model: _scored(Path(name), python, task, model) for model in EXPECTED}
    for model, (accuracy, pair_accuracy) in found.items():
        print(f"{model:<19} accuracy {accuracy}, pair accuracy {pair_accuracy} (expected {EXPECTED[model]})")
    differ = check_lmms_eval(installed(python, "lmms_eval"), SHEETS)
    sys.exit(found != EXPECTED or differ > 0)


def _exported(root: Path, pairs: int) -> str:
    """The task's name; its folder is root/task, and root/known.json has each image's pixels and what is right of it."""
    benchmark = frozen_benchmark(root, pairs, FORM)
    (folder := root / "task").mkdir()
    FORM.write(benchmark, folder)
    (root / "known.json").write_text(json.dumps(right_words(benchmark)))
    return task_name(benchmark)


def _write_models(root: Path) -> None:
    """The two models as lmms-eval finds those of others: by an entry point of an installed package."""
    (root / "blindpairs_models.py").write_text(MODELS)
    (package := root / "blindpairs_models-1.dist-info").mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: blindpairs-models\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[lmms_eval.models]\nblindpairs = blindpairs_models:manifests\n")


def _scored(root: Path, python: Path, task: str, model: str) -> tuple[float, float]:
    """Accuracy and pair accuracy, as lmms-eval's command line wrote them."""
    known = {"PYTHONPATH": str(root), "BLINDPAIRS_KNOWN": str(root / "known.json")}
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(root / "hub"), "CUDA_VISIBLE_DEVICES": ""}
    words = ["--include_path", ".", "--tasks", task, "--model", model, "--batch_size", "1"]
    command = [python, "-m", "lmms_eval", *words, "--output_path", root / model]
    ended = subprocess.run(command, cwd=root / "task", env=os.environ | known | offline, capture_output=True, text=True)
    if not (written := sorted((root / model).rglob("*results.json"))):
        sys.exit(f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}\nlmms-eval wrote no result")
    return _figures(json.loads(written[-1].read_text())["results"][task])


def _figures(results: Mapping[str, float]) -> tuple[float, float]:
    return results["mmvp_accuracy,none"], results["mmvp_pair_accuracy,none"]


if __name__ == "__main__":
    main()
