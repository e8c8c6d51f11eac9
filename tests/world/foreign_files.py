"""Files of replies to four questions about two pairs, as each program writes them, to be spoiled by tests."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from world.committed import committed
from world.evaluations import pairs
from world.foreign_programs import write_lines

from manifests.errors import Refused
from manifests.evaluation_tables import ASKED
from manifests.manifest import Manifest
from pipeline.config.evaluation import read_evaluation
from stages.evaluate.imported import ImportedPredictions

Line = dict[str, Any]
ENDINGS = {"lmms-eval-log": ".jsonl", "vlmevalkit-result": ".tsv", "mmvp-answers": ".jsonl"}
LETTERS = ("A", "B", "A", "B")
WORDS = "Open or closed?"


def lines_of(kind: str) -> list[Line]:
    """Replies to two pairs, as each program writes them."""
    if kind == "mmvp-answers":
        prompt = f"{WORDS} (a) Open (b) Closed"
        return [
            {"question_id": place, "prompt": prompt, "answer": f"({right.lower()})", "response": "(a)"}
            for place, right in enumerate(LETTERS, 1)
        ]
    if kind == "lmms-eval-log":
        put = f"{WORDS}\nA. Open\nB. Closed\nAnswer with the option's letter from the given choices directly."
        return [
            {"doc_id": place, "target": right, "filtered_resps": "A", "input": put}
            for place, right in enumerate(LETTERS)
        ]
    return [
        {"index": str(place), "question": WORDS, "A": "Open", "B": "Closed", "answer": right, "prediction": "A"}
        for place, right in enumerate(LETTERS, 1)
    ]


def number_of(kind: str) -> str:
    return {"mmvp-answers": "question_id", "lmms-eval-log": "doc_id", "vlmevalkit-result": "index"}[kind]


def reply_of(kind: str) -> str:
    return {"mmvp-answers": "response", "lmms-eval-log": "filtered_resps", "vlmevalkit-result": "prediction"}[kind]


def written(at: Path, kind: str, lines: list[Line]) -> Path:
    path = at / f"replies{ENDINGS[kind]}"
    if kind != "vlmevalkit-result":
        return write_lines(path, lines, ascii_only=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), delimiter="\t", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(lines)
    return path


def stage(kind: str, path: Path, **more: Any) -> ImportedPredictions:
    recipe = {"benchmark": {"kind": "run", "uri": "r", "version": 1}, "models": {"m": {"kind": kind, "uri": str(path)}}}
    recipe["models"]["m"] |= more
    return ImportedPredictions("m", read_evaluation(recipe).models["m"])


def asked(at: Path) -> Mapping[str, Manifest]:
    """The four questions that the lines reply to."""
    return {"questions": committed(at / "questions", ASKED, pa.Table.from_pylist(pairs(2), schema=ASKED.columns))}


def refusal(kind: str, path: Path, tmp_path: Path | None = None, **more: Any) -> str:
    """What is said of a file; with `tmp_path` of one that reads, but is not to these four questions."""
    made = stage(kind, path, **more)
    if tmp_path is not None:
        made.external_state()
        reads = asked(tmp_path)
    with pytest.raises(Refused) as caught:
        made.external_state() if tmp_path is None else made.plan(reads)
    text = str(caught.value)
    assert path.name in text
    assert len(text) < 700
    assert "\n" not in text
    return text


def changed(kind: str, name: str, value: Any) -> list[Line]:
    lines = lines_of(kind)
    lines[3][name] = value
    return lines
