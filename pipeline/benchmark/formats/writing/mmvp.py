"""MMVP: questions in the layout of MMVP/MMVP with its 300: Questions.csv, and the images by number in `MMVP Images`.

Row number, `Index` and image name are one number from 1; rows 2k - 1 and 2k are a pair (METHOD: MMVP's own README and
scripts/evaluate_mllm.py, which reads row by position and image by row).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.benchmark.benchmark import Benchmark, Posed, asks
from pipeline.benchmark.formats.reading.rows import QUESTIONS
from pipeline.benchmark.formats.writing.form import Form, as_jpeg

FOLDER = "MMVP Images"
HEADER = ("Index", "Question", "Options", "Correct Answer")


def write_mmvp(benchmark: Benchmark, folder: Path) -> None:
    """Write the complete folder: as many rows as images, two per pair."""
    (folder / FOLDER).mkdir()
    rows: list[Sequence[object]] = []
    for pair in benchmark.pairs:
        for side in pair.sides:
            number = len(rows) + 1
            (folder / FOLDER / f"{number}.jpg").write_bytes(as_jpeg(side.photo))
            rows.append((number, pair.question, options_of(pair), f"({side.answer})"))
    write_rows(folder, HEADER, rows)


def options_of(pair: Posed) -> str:
    """Return both options in one text, as MMVP writes them."""
    assert pair.options is not None
    return "(a) {} (b) {}".format(*pair.options)


def _cells(pair: Posed) -> Mapping[str, str]:
    return {"question": pair.question or ""}


def write_rows(folder: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with (folder / QUESTIONS).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows((header, *rows))


FORM = Form(
    name="mmvp",
    says="MMVP's own folder: Questions.csv and the images by number",
    takes=asks,
    write=write_mmvp,
    next="a program that reads the data set MMVP/MMVP from a folder can read {to} instead",
    cells=_cells,
)
