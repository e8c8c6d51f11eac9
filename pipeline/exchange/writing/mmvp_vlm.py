"""MMVP-VLM: statements as MMVP/MMVP_VLM publishes them: Questions.csv, and the images by number in a folder a pattern.

Ids count from 1 through the patterns in their published order; an odd id is a pair's first image, the even one after
it its second (METHOD: scripts/evaluate_vlm.py, which scores by position: nine equal blocks).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.benchmark.benchmark import Benchmark, Posed, states
from pipeline.exchange.writing.form import Form, as_jpeg
from pipeline.exchange.writing.mmvp import write_rows
from stages.patterns import BY_NAME

FOLDER = "MLLM_VLM Images"
HEADER = ("Question ID", "Type", "Statement")
PLACES = {name: place for place, name in enumerate(BY_NAME)}


def write_mmvp_vlm(benchmark: Benchmark, folder: Path) -> None:
    """The folder whole, pattern by pattern, and within one as the benchmark has its pairs."""
    rows: list[Sequence[object]] = []
    for pair in sorted(benchmark.pairs, key=_place):
        at = folder / FOLDER / BY_NAME[str(pair.pattern)].folder
        at.mkdir(parents=True, exist_ok=True)
        for side in pair.sides:
            number = len(rows) + 1
            (at / f"{number}.jpg").write_bytes(as_jpeg(side.photo))
            rows.append((number, at.name, side.statement))
    write_rows(folder, HEADER, rows)


def _place(pair: Posed) -> int:
    return PLACES[str(pair.pattern)]


FORM = Form(
    name="mmvp-vlm",
    says="MMVP-VLM's own folder: a statement an image, in a folder for each of the nine patterns",
    takes=states,
    write=write_mmvp_vlm,
    next="MMVP's scripts/evaluate_vlm.py --directory {to} scores a CLIP model on it",
)
