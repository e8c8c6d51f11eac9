"""MMVP-VLM: statements as MMVP/MMVP_VLM publishes them: Questions.csv, and numbered images in a folder per pattern.

Ids count from 1 through the patterns in their published order; an odd id is a pair's first image, the even one after it
its second (METHOD: scripts/evaluate_vlm.py, which scores by position: nine blocks of 15 pairs).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.benchmark.benchmark import Benchmark, Posed, states
from pipeline.benchmark.formats.writing.form import Form, as_jpeg
from pipeline.benchmark.formats.writing.mmvp import write_rows
from stages.patterns import BY_NAME, PAIRS_EACH

FOLDER = "MLLM_VLM Images"
HEADER = ("Question ID", "Type", "Statement")
PLACES = {name: place for place, name in enumerate(BY_NAME)}


def write_mmvp_vlm(benchmark: Benchmark, folder: Path) -> None:
    """Write the complete folder, with the pairs in the given order: FORM orders them pattern by pattern."""
    rows: list[Sequence[object]] = []
    for pair in benchmark.pairs:
        at = folder / FOLDER / BY_NAME[str(pair.pattern)].folder
        at.mkdir(parents=True, exist_ok=True)
        for side in pair.sides:
            number = len(rows) + 1
            (at / f"{number}.jpg").write_bytes(as_jpeg(side.photo))
            rows.append((number, at.name, side.statement))
    write_rows(folder, HEADER, rows)


def _place(pair: Posed) -> int:
    return PLACES[str(pair.pattern)]


def _cells(pair: Posed) -> Mapping[str, str]:
    return {"first statement": pair.first.statement or "", "second statement": pair.second.statement or ""}


def _next(benchmark: Benchmark) -> str:
    """Name the published scorer only if its numbers are right."""
    counts = Counter(pair.pattern for pair in benchmark.pairs)
    if all(counts[name] == PAIRS_EACH for name in BY_NAME):
        return "MMVP's scripts/evaluate_vlm.py --directory {to} scores a CLIP model on it"
    return (
        "score it by the column Type of {to}/Questions.csv; MMVP's scripts/evaluate_vlm.py tells patterns by position, "
        f"and is right only of {PAIRS_EACH} pairs of each"
    )


FORM = Form(
    name="mmvp-vlm",
    says="MMVP-VLM's own folder: one statement per image, in a folder for each of the nine patterns",
    takes=states,
    write=write_mmvp_vlm,
    next=_next,
    order=_place,
    cells=_cells,
)
