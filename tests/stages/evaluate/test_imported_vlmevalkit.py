"""VLMEvalKit's own formats: tables, workbooks and JSON that are not as it writes them, and what a workbook cuts off."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from world.foreign_files import Line, asked, changed, lines_of, refusal, stage, written

from stages.evaluate.imports import workbook


@pytest.mark.parametrize("value", ["", "x", "1.5", "1e0", "-1", "1" * 16, "nan"])
def test_an_index_that_is_no_number(tmp_path: Path, value: str) -> None:
    kind = "vlmevalkit-result"
    assert "row 4" in refusal(kind, written(tmp_path, kind, changed(kind, "index", value)))


@pytest.mark.parametrize("taken", [6, 20])
def test_a_tsv_that_is_cut_off(tmp_path: Path, taken: int) -> None:
    path = written(tmp_path, "vlmevalkit-result", lines_of("vlmevalkit-result"))
    path.write_bytes(path.read_bytes()[:-taken])
    assert "row 4" in refusal("vlmevalkit-result", path)


@pytest.mark.parametrize("text", ["{}", "[1]", "[{}]", "x"])
def test_a_json_that_is_no_list_of_rows(tmp_path: Path, text: str) -> None:
    (path := tmp_path / "replies.json").write_text(text)
    refusal("vlmevalkit-result", path)


@pytest.mark.parametrize("ending", [".pkl", ".csv", ""])
def test_an_ending_that_vlmevalkit_is_not_read_by(tmp_path: Path, ending: str) -> None:
    (path := tmp_path / f"replies{ending}").write_bytes(b"index,prediction\n1,A\n")
    assert "PRED_FORMAT=tsv" in refusal("vlmevalkit-result", path)


def test_json_constants_are_no_texts(tmp_path: Path) -> None:
    (path := tmp_path / "replies.json").write_text(json.dumps([{"index": 1, "prediction": float("nan")}]))
    assert "row 1" in refusal("vlmevalkit-result", path)


def packed(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize("data", [b"", b"index\tprediction\n1\tA\n", b"PK\x03\x04", packed(a=b"b")])
def test_a_workbook_that_is_none(tmp_path: Path, data: bytes) -> None:
    (path := tmp_path / "replies.xlsx").write_bytes(data)
    if data == packed(a=b"b"):
        pytest.importorskip("openpyxl", reason="the extra xlsx is not installed")
    assert "Excel workbook" in refusal("vlmevalkit-result", path)


def test_a_workbook_that_unpacks_to_more_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_UNPACKED", 1 << 20)
    (path := tmp_path / "replies.xlsx").write_bytes(packed(a=bytes((1 << 20) + 1)))
    assert "unpacks to" in refusal("vlmevalkit-result", path)


def test_without_openpyxl_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (path := tmp_path / "replies.xlsx").write_bytes(packed(a=b"b"))
    text = refusal("vlmevalkit-result", path)
    assert "blindpairs[xlsx]" in text
    assert "PRED_FORMAT=tsv" in text


@pytest.fixture
def sheet() -> Callable[..., Any]:
    """Writes a workbook of these replies, in a second sheet."""
    openpyxl = pytest.importorskip("openpyxl", reason="the extra xlsx is not installed")

    def made(path: Path, lines: list[Line]) -> Path:
        book = openpyxl.Workbook()
        book.active.append(["nothing"])
        second = book.create_sheet("replies")
        for row in (list(lines[0]), *(list(line.values()) for line in lines)):
            second.append(row)
        book.save(path)
        return path

    return made


def test_a_workbooks_sheet_is_chosen_by_its_name(tmp_path: Path, sheet: Callable[..., Path]) -> None:
    kind = "vlmevalkit-result"
    path = sheet(tmp_path / "replies.xlsx", lines_of(kind))
    assert stage(kind, path, sheet="replies").external_state()
    assert "'other'; it has Sheet, replies" in refusal(kind, path, sheet="other")
    refusal(kind, path)
    assert "does not apply" in refusal(kind, written(tmp_path, kind, lines_of(kind)), sheet="replies")


@pytest.mark.parametrize("value", [1, 2.5, True])
def test_a_cell_that_is_no_text(tmp_path: Path, sheet: Callable[..., Path], value: Any) -> None:
    kind = "vlmevalkit-result"
    path = sheet(tmp_path / "replies.xlsx", changed(kind, "prediction", value))
    assert "row 4" in refusal(kind, path, sheet="replies")


def test_a_cell_that_is_full_may_have_been_cut_off(tmp_path: Path, sheet: Callable[..., Path]) -> None:
    kind = "vlmevalkit-result"
    path = sheet(tmp_path / "replies.xlsx", changed(kind, "prediction", "A" * 32_767))
    made = stage(kind, path, sheet="replies")
    reads = asked(tmp_path)
    [part] = made.process(made.plan(reads)[0], reads)
    assert part.counts.rejected == {"truncated": 1}
    assert "TSV" in part.table.column("error").to_pylist()[3]
