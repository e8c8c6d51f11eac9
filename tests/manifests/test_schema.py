"""Schema: what is written has exactly the table's columns, or is not written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.committed import candidates_manifest, names

from manifests.schema import Schema, column
from manifests.tables import CANDIDATES, IMAGES, PAIRS, embeddings

THINGS = Schema(
    "things",
    3,
    ("name",),
    pa.schema(
        [
            column("name", pa.string(), "what it is called", nullable=False),
            column("width", pa.int32(), "pixels"),
            column("score", pa.float32(), "between 0 and 1"),
        ]
    ),
)


def table(**changes: object) -> pa.Table:
    columns = {"score": [0.5], "width": [3], "name": ["a"], **changes}
    return pa.table({name: values for name, values in columns.items() if values is not None})


def test_columns_come_in_the_order_of_the_schema() -> None:
    assert THINGS.conform(table()).column_names == ["name", "width", "score"]


def test_values_come_in_the_types_of_the_schema() -> None:
    assert THINGS.conform(table()).schema.types == [pa.string(), pa.int32(), pa.float32()]


def test_a_number_too_large_for_its_type_is_refused() -> None:
    with pytest.raises(ValueError, match="not in range"):
        THINGS.conform(table(width=[2**31]))


def test_a_fraction_for_whole_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="truncated"):
        THINGS.conform(table(width=[2.5]))


def test_a_missing_column_is_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        THINGS.conform(table(width=None))


def test_a_surplus_column_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        THINGS.conform(table(colour=["red"]))


def test_a_column_that_stands_twice_is_refused() -> None:
    twice = table().append_column("name", pa.array(["b"]))
    with pytest.raises(ValueError, match="columns"):
        THINGS.conform(twice)


def test_a_null_where_none_may_be_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"things\.name: null"):
        THINGS.conform(table(name=pa.array([None], pa.string())))


def test_a_null_where_one_may_be_stays() -> None:
    assert THINGS.conform(table(width=pa.array([None], pa.int64()))).column("width").null_count == 1


def test_the_table_and_its_version_are_in_what_is_written() -> None:
    assert THINGS.conform(table()).schema.metadata == {b"table": b"things", b"version": b"3"}


@pytest.mark.parametrize("schema", [IMAGES, embeddings({"clip": 4}), CANDIDATES, PAIRS], ids=lambda s: s.name)
def test_every_column_of_every_table_has_its_sentence(schema: Schema) -> None:
    assert all(len(sentence.split()) > 2 for _, _, sentence in schema.sentences())


def test_the_sentences_travel_in_the_file(tmp_path: Path) -> None:
    left, right = sorted(names(2))
    candidates_manifest(tmp_path, [(left, right, 0.99, 0.1)])
    field = pq.read_schema(tmp_path / "00000.parquet").field("left_id")
    assert field.metadata[b"sentence"] == b"the smaller image_id of the two"
