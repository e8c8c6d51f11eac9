"""Candidates that move to a copy with other vectors have that one's cosines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from world.committed import committed, names

from manifests.removal import Held
from manifests.storage import Folder
from manifests.tables import embeddings
from stages.search.passing import TABLE, scored

SEARCH = {"blind": "blind", "reference": "reference", "min_cosine": 0.2}


def test_only_rows_of_such_heirs_are_scored_anew_and_those_below_the_floor_go(tmp_path: Path) -> None:
    ids, dice = sorted(names(40)), np.random.default_rng(1)
    vectors = {name: dice.standard_normal((40, 6)).astype(np.float32) for name in ("blind", "reference")}
    schema = embeddings({"blind": 6, "reference": 6})
    columns = {"image_id": ids, "status": ["ok"] * 40, "error": [None] * 40}
    table = pa.table(columns | {name: list(rows) for name, rows in vectors.items()}, schema=schema.columns)
    committed(tmp_path, schema, table.take(dice.permutation(40)), [13, 0, 27])
    pairs = [(left, right) for left in range(40) for right in range(left + 1, 40)]
    rows = [
        {"left_id": ids[a], "right_id": ids[b], "blind_cosine": 7.0, "reference_cosine": 7.0, "tile": "t"}
        for a, b in pairs
    ]
    promoted, held = {ids[3], ids[20]}, Held.of(Folder(str(tmp_path)))
    assert held is not None
    found = scored(pa.Table.from_pylist(rows, TABLE), promoted, held, SEARCH).to_pylist()
    expected = {}
    for a, b in pairs:
        cosine = {
            name: float(np.dot(x[a], x[b]) / np.linalg.norm(x[a]) / np.linalg.norm(x[b]))
            for name, x in ((name, rows.astype(np.float64)) for name, rows in vectors.items())
        }
        if not {ids[a], ids[b]} & promoted:
            expected[ids[a], ids[b]] = (7.0, 7.0)
        elif cosine["blind"] >= 0.2:
            expected[ids[a], ids[b]] = (pytest.approx(cosine["blind"]), pytest.approx(cosine["reference"]))
    assert {
        (row["left_id"], row["right_id"]): (row["blind_cosine"], row["reference_cosine"]) for row in found
    } == expected
