"""Other programs that ask a model: lmms-eval, VLMEvalKit and MMVP's script, as far as what they read and write.

Each reads an exported folder as the program does, asks a rule in the model's place, and writes its file of replies in
the program's own layout (lmms-eval @75571cf, VLMEvalKit @e8e78f0, MMVP @7635005).
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

Model = Callable[[int, str], str]  # the number of a question from 1 and the letter of its right answer in, a reply out
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def run_lmms_eval(exported: Path, to: Path, model: Model, *, flat: bool = True) -> Path:
    """`--log_samples` of the exported task; not `flat`: with the lists around replies that versions before 0.7 left."""
    rows = pq.read_table(next(exported.glob("*.parquet"))).to_pylist()
    lines = [_sample(doc_id, row, model, flat) for doc_id, row in enumerate(rows)]
    return write_lines(to, lines)


def _sample(doc_id: int, row: dict[str, Any], model: Model, flat: bool) -> dict[str, Any]:
    parts = re.findall(r"\([a-z]\)\s*([^(]+?)(?=\s*\([a-z]\)|$)", row["Options"])
    listed = "\n".join(f"{LETTERS[place]}. {part.strip()}" for place, part in enumerate(parts))
    target = row["Correct Answer"].strip("()").upper()
    reply = model(row["Index"], target)
    scored = {"index": row["Index"] - 1, "pair_index": (row["Index"] - 1) // 2, "pred": reply, "gt": target}
    post = "\nAnswer with the option's letter from the given choices directly."
    return {
        "doc_id": doc_id,
        "target": target,
        **({} if flat else {"resps": [[reply]]}),
        "filtered_resps": reply if flat else [reply],
        "token_counts": [{"input_tokens": 600 + doc_id, "output_tokens": 2, "reasoning_tokens": None}],
        "doc_hash": hashlib.sha256(row["Question"].encode()).hexdigest(),
        "mmvp_accuracy": scored,
        "mmvp_pair_accuracy": scored,
        "input": f"{row['Question']}\n{listed}{post}",
    }


def run_vlmevalkit(exported: Path, to: Path, model: Model) -> Path:
    """`run.py` with the exported TSV; the ending of `to` says in which of its formats the result is written."""
    data = pd.read_csv(next(exported.glob("*.tsv")), sep="\t")
    data = data[~pd.isna(data["image"])].copy()
    data["index"] = [int(one) for one in data["index"]]
    data["prediction"] = [
        str(model(number, answer)) for number, answer in zip(data["index"], data["answer"], strict=True)
    ]
    data.pop("image")
    if to.suffix == ".tsv":
        data.to_csv(to, sep="\t", index=False, encoding="utf-8", quoting=csv.QUOTE_ALL)
    elif to.suffix == ".json":
        to.write_text(json.dumps(data.to_dict("records"), indent=4, ensure_ascii=False), encoding="utf-8")
    else:
        data.to_excel(to, index=False, engine="openpyxl")
    return to


def run_mmvp(exported: Path, to: Path, model: Model) -> Path:
    """scripts/evaluate_mllm.py with the exported folder."""
    lines = []
    for place, row in pd.read_csv(exported / "Questions.csv").iterrows():
        lines.append(
            {
                "question_id": place + 1,
                "prompt": row["Question"] + " " + row["Options"],
                "answer": row["Correct Answer"],
                "response": model(place + 1, row["Correct Answer"].strip("()").upper()).strip(),
                "answer_id": hashlib.sha256(str(place).encode()).hexdigest()[:22],
                "model_id": "llava-v1.5-7b",
            }
        )
    return write_lines(to, lines, ascii_only=True)


def write_lines(to: Path, lines: list[dict[str, Any]], *, ascii_only: bool = False) -> Path:
    text = "".join(json.dumps(line, ensure_ascii=ascii_only) + "\n" for line in lines)
    to.write_text(text, encoding="utf-8")
    return to
