"""Tables of URLs, read by row groups or stretches of text, from any row on."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import Refused
from stages.download.urls import tables
from stages.download.urls.tables import lots, names

COLUMNS = {"url": "URL", "caption": "TEXT", "aesthetic": "AESTHETIC_SCORE"}
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, st.floats(-9, 9)), min_size=1, max_size=30)


def write(path: Path, rows: list[tuple[str, str, float]]) -> Path:
    if path.suffix == ".parquet":
        url, text, score = (list(column) for column in zip(*rows, strict=True))
        pq.write_table(pa.table({"URL": url, "TEXT": text, "AESTHETIC_SCORE": score}), path, row_group_size=7)
    elif path.suffix == ".jsonl":
        lines = [json.dumps(dict(zip(COLUMNS.values(), row, strict=True)), ensure_ascii=False) for row in rows]
        path.write_text("\n".join(lines) + "\n", newline="")
    elif path.suffix == ".tsv":
        path.write_text("".join("\t".join(map(str, row)) + "\n" for row in [COLUMNS.values(), *rows]), newline="")
    else:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS.values(), *rows])
    return path


@pytest.fixture(params=["parquet", "csv", "tsv", "jsonl"])
def ending(request: pytest.FixtureRequest) -> str:
    return request.param


def read(path: Path, start: int = 0) -> tuple[list[tuple], list[int]]:
    found = list(lots(str(path), COLUMNS, start))
    rows = [tuple(row.values()) for lot in found for row in lot.rows.to_pylist()]
    return rows, [int(start) for lot in found for start in lot.starts]


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, data=st.data())
@pytest.mark.parametrize("ending", ["parquet", "csv", "tsv", "jsonl"])
def test_every_row_is_read_and_reading_may_begin_at_any(
    tmp_path_factory: pytest.TempPathFactory, ending: str, rows: list[tuple[str, str, float]], data: st.DataObject
) -> None:
    if ending == "tsv":  # which has no way to say a tab or the end of a line in a field
        rows = [(*(re.sub(r"[\t\n]", " ", text) for text in texts), score) for *texts, score in rows]
    path = write(tmp_path_factory.mktemp("table") / f"t.{ending}", rows)
    whole, starts = read(path)
    assert whole == [(url or None, text or None, score) for url, text, score in rows]
    place = data.draw(st.integers(0, len(rows) - 1))
    assert read(path, starts[place]) == (whole[place:], starts[place:])


def test_lots_are_bounded(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LOT_ROWS", 5)
    path = write(tmp_path / f"t.{ending}", [(f"http://a/{n}", "x", 1.0) for n in range(23)])
    found = list(lots(str(path), COLUMNS))
    assert max(lot.rows.num_rows for lot in found) == 5
    assert sum(lot.rows.num_rows for lot in found) == 23


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("URL,TEXT,AESTHETIC_SCORE\nhttp://a/1,x,5.5\nhttp://a/2,y,high\nhttp://a/3\n")
    assert [row[2] for row in read(path)[0]] == [5.5, None, None]


def test_numbers_that_parquet_holds_as_text_or_integers_are_numbers(tmp_path: Path) -> None:
    table = pa.table({"URL": ["http://a"], "WIDTH": ["640"], "HEIGHT": pa.array([480], pa.int16())})
    pq.write_table(table, tmp_path / "t.parquet")
    columns = {"url": "URL", "width": "WIDTH", "height": "HEIGHT"}
    (lot,) = lots(str(tmp_path / "t.parquet"), columns)
    assert lot.rows.to_pylist() == [{"url": "http://a", "width": 640.0, "height": 480.0}]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfURL,TEXT\nhttp://a,x\n")
    assert names(str(tmp_path / "t.csv")) == ["URL", "TEXT"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.parquet", b"PAR1 no parquet"),
        ("t.jsonl", b'{"URL": "http://a"}\nnot json\n'),
        ("t.jsonl", b'["http://a"]\n'),
        ("t.csv", b""),
        ("t.jsonl", b"\n\n"),
    ],
)
def test_a_broken_table_is_refused_by_name(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Refused, match=name):
        assert names(str(tmp_path / name)) != list(lots(str(tmp_path / name), {"url": "URL"}))


# --- what a hostile reader found ---

NOT_UTF8 = [b"http://a/caf\xe9", b"", None, "http://a/\u00e9".encode()]
DECODED = ["http://a/caf\ufffd", None, None, "http://a/\u00e9"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()], ids=str)
@pytest.mark.parametrize("column", ["url", "caption"])
def test_bytes_of_parquet_that_are_not_utf8_are_replaced_value_by_value(
    column: str, kind: pa.DataType, tmp_path: Path
) -> None:
    wide = pa.large_binary() if str(kind).startswith("large") else pa.binary()
    pq.write_table(pa.table({"x": pa.array(NOT_UTF8, wide).view(kind)}), tmp_path / "t.parquet")
    (lot,) = lots(str(tmp_path / "t.parquet"), {column: "x"})
    assert lot.rows.column(column).to_pylist() == DECODED


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int64(), pa.string())], ids=str
)
def test_texts_of_any_type_are_strings(kind: pa.DataType, tmp_path: Path) -> None:
    values = pa.array(["http://a", "", None, "\u00e9"]).cast(kind)
    pq.write_table(pa.table({"x": values}), tmp_path / "t.parquet")
    (lot,) = lots(str(tmp_path / "t.parquet"), {"url": "x"})
    assert lot.rows.column("url").to_pylist() == ["http://a", None, None, "\u00e9"]


@pytest.mark.parametrize("values", [[["http://a"]], [{"href": "http://a"}]])
def test_a_column_of_urls_that_holds_no_text_is_refused_by_name_and_type(values: list, tmp_path: Path) -> None:
    table = pa.table({"URL": values})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(Refused, match=rf"t\.parquet: its column URL is {re.escape(str(table.schema[0].type)[:4])}"):
        list(lots(str(tmp_path / "t.parquet"), {"url": "URL"}))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table([pa.array(["http://a"])] * 2, names=["url", "url"]), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("url,url\nhttp://a,http://b\n")
    (tmp_path / "t.tsv").write_text("url\tx\turl\nhttp://a\t\thttp://b\n")
    for path in tmp_path.iterdir():
        with pytest.raises(Refused, match="two columns are called url"):
            names(str(path))
    (tmp_path / "t.csv").write_text("url,,\nhttp://a,,\n")
    assert names(str(tmp_path / "t.csv"))[0] == "url"


def test_a_quote_in_a_tsv_is_a_quote(tmp_path: Path) -> None:
    texts = ['"5 inch pipe', "x", '"y"', 'z"']
    rows = [(f"http://a/{place}", text, 1.0) for place, text in enumerate(texts)]
    assert read(write(tmp_path / "t.tsv", rows))[0] == rows


def test_the_columns_of_json_lines_are_those_of_the_first_rows_in_order(tmp_path: Path) -> None:
    lines = [{"url": "http://a"}, {"url": "http://b", "caption": "x"}, {"aesthetic": 5}]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert names(str(tmp_path / "t.jsonl")) == ["url", "caption", "aesthetic"]


def test_the_columns_of_a_text_are_its_head_though_the_first_row_is_short(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("URL,TEXT\nhttp://a\n")
    assert names(str(tmp_path / "t.csv")) == ["URL", "TEXT"]
