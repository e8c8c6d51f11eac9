"""Hugging Face: a folder for `datasets.load_dataset`: one Parquet with the images' bytes in it, and a dataset card.

An image is the hub's struct {bytes, path}; the schema's metadata says so, which is how `datasets` knows to decode it.
The bytes are the file's own; the path is a number, because a name from the source may reveal the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.benchmark.benchmark import Benchmark, Posed, Side, asks, states
from pipeline.benchmark.formats.writing.card import card
from pipeline.benchmark.formats.writing.form import Form
from pipeline.benchmark.formats.writing.pictures import PICTURE, for_datasets, picture, write_rows

FILE = "data/test-00000-of-00001.parquet"
TEXTS = pa.list_(pa.string())
COLUMNS = for_datasets(
    pa.schema(
        [
            ("question_id", pa.string()),
            ("index", pa.int64()),
            ("image", PICTURE),
            ("question", pa.string()),
            ("options", TEXTS),
            ("answer", pa.string()),
            ("statement", pa.string()),
            ("pattern", pa.string()),
            *((name, pa.string()) for name in ("left_id", "right_id", "side", "image_id")),
            *((name, pa.string()) for name in ("license", "source", "url", "author", "authored_at")),
            ("reviewed_by", TEXTS),
            ("missed_by", TEXTS),
            ("blind_cosine", pa.float64()),
            ("reference_cosine", pa.float64()),
        ]
    )
)


def write_huggingface(benchmark: Benchmark, folder: Path) -> None:
    """Write the Parquet, two rows per pair in order, and README.md."""
    (folder / FILE).parent.mkdir()
    rows = (row for place, pair in enumerate(benchmark.pairs) for row in _rows(pair, 2 * place))
    write_rows(folder / FILE, COLUMNS, rows)
    (folder / "README.md").write_text(card(benchmark), encoding="utf-8")


def _rows(pair: Posed, before: int) -> Iterator[dict[str, Any]]:
    left_id, right_id = (side.photo.image_id for side in sorted(pair.sides, key=lambda side: side.side))
    same = {
        "question": pair.question,
        "options": pair.options and list(pair.options),
        "pattern": pair.pattern,
        "left_id": left_id,
        "right_id": right_id,
        "author": pair.author,
        "authored_at": pair.authored_at,
        "reviewed_by": list(pair.reviewed_by),
        "missed_by": list(pair.missed_by),
        "blind_cosine": pair.origin.blind_cosine,
        "reference_cosine": pair.origin.reference_cosine,
    }
    for index, side in enumerate(pair.sides, before + 1):
        yield same | _own(side, index)


def _own(side: Side, index: int) -> dict[str, Any]:
    photo = side.photo
    return {
        "question_id": side.question_id,
        "index": index,
        "image": picture(photo, str(index)),
        "answer": side.answer,
        "statement": side.statement,
        "side": side.side,
        "image_id": photo.image_id,
        "license": photo.license,
        "source": photo.source,
        "url": photo.url,
    }


def whole(pair: Posed) -> bool:
    """Whether the pair has anything to ask or to state: every frozen pair has."""
    return asks(pair) or states(pair)


FORM = Form(
    name="huggingface",
    says="a data set for the Hugging Face hub: Parquet with the images in it, and a data card",
    takes=whole,
    write=write_huggingface,
    next='`datasets.load_dataset("{to}")` opens it, `hf upload NAME {to} --repo-type dataset` publishes it',
)
