"""CV-Bench: 2,638 questions about counts, relations, depth and distance, each alone, from three sources.

Source: nyu-visionx/CV-Bench on the hub (test_2d.parquet, test_3d.parquet; test_2d.jsonl and test_3d.jsonl name
files below `img/`); columns as in "Cambrian-1" (arXiv 2406.16860) and lmms-eval, tasks/cv_bench/utils.py.
[unverified] whether `idx` counts 2D and 3D apart: a question is known here by type and idx together.
"""

from __future__ import annotations

from collections.abc import Iterator

from stages.evaluate.benchmarks.base import Row, choice
from stages.evaluate.benchmarks.entries import Entry
from stages.evaluate.benchmarks.published import TABLES, Form


def _rows(entry: Entry) -> Iterator[Row]:
    name = f"{entry.text('type')}/{entry.text('idx')}"
    asked = choice(entry.text("question"), entry.texts("choices"), entry.text("answer"), entry.where)
    known = {"question_id": name, "group": name, "category": entry.text("task"), "source": entry.text("source")}
    key = entry.text("filename") if entry.has("filename") else name
    yield known | asked | FORM.image(entry, key, "image", "filename")


FORM = Form("cv-bench", _rows, (TABLES, "*.jsonl"))
