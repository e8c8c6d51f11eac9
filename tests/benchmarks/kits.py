"""Kits: what the checks of other people's evaluation programs share: an environment of their own, and a benchmark.

The two models that each check hands to its program are told apart by this alone: one looks at the image (it knows what
is right of each image's pixels), the other answers by the prompt.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import venv
from pathlib import Path

from PIL import Image

from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.formats.writing.form import Form
from pipeline.run.run import Run


def environment(folder: Path, *packages: str) -> Path:
    """The Python of an environment with these packages, made where it does not exist."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
        check=True,
    )
    return python


def frozen_benchmark(root: Path, pairs: int, form: Form) -> Benchmark:
    """So many pairs of a made-up run below `root`, as the form takes them."""
    sys.path.insert(0, "tests")
    from world.authoring import frozen_run

    return form.part(read_benchmark(Run.open(str(frozen_run(root, pairs)))))


def right_words(benchmark: Benchmark) -> dict[str, str]:
    """sha256 of an image's RGB pixels -> the words of the option that is right for it."""
    right = {
        _pixels(side.photo.read()): (pair.options or ())["ab".index(side.answer or "")]
        for pair in benchmark.pairs
        for side in pair.sides
    }
    assert len(right) == 2 * len(benchmark.pairs)
    return right


def _pixels(data: bytes) -> str:
    return hashlib.sha256(Image.open(io.BytesIO(data)).convert("RGB").tobytes()).hexdigest()
