"""Imports that are refused: whatever is wrong is said in a sentence by row and file, and nothing is written."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from world.authoring import frozen_run, photo
from world.published import (
    FOLDERS,
    MMVP,
    VLM,
    Rows,
    asked,
    mmvp_folder,
    stated,
    text_of,
    vlm_folder,
)

from manifests.errors import Refused
from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.formats.writing.huggingface import FORM as HUGGINGFACE
from pipeline.cli.formats import import_from
from pipeline.run.run import Run


def imported(folder: Path, form: str = "mmvp", **more: str) -> Benchmark:
    run = str(folder.parent / "runs" / "taken")
    import_from(str(folder), run, form, **more)
    return read_benchmark(Run.open(run))


def cell(row: int, column: int, text: str) -> Callable[[Rows, Path], None]:
    """Puts another text into a row, counted from 1, and into a column, from 0."""

    def spoil(rows: Rows, folder: Path) -> None:
        rows[row - 1][column] = text

    return spoil


def without(row: int) -> Callable[[Rows, Path], None]:
    return lambda rows, folder: rows.pop(row - 1) and None


def image(name: str, data: bytes | None) -> Callable[[Rows, Path], None]:
    """Removes the image, or gives it these bytes."""

    def spoil(rows: Rows, folder: Path) -> None:
        file = next(folder.glob("*/")) / name
        file.unlink(missing_ok=True)
        if data is not None:
            file.write_bytes(data)

    return spoil


BAD_MMVP: dict[str, tuple[Callable[[Rows, Path], Any], str]] = {
    "a missing image": (image("4.jpg", None), r"row 4 of .*Questions\.csv: its image 4\.jpg is not in .*MMVP Images"),
    "an image that does not decode": (
        image("3.jpg", photo(3)[:700]),
        r"row 3 of .*Questions.csv: its image .*3\.jpg does not decode",
    ),
    "an image that is none": (image("3.jpg", b"not found"), r"row 3 of .*3\.jpg does not decode"),
    "two images of one number": (image("3.png", photo(3)), r"3\.jpg and .*3\.png have one number"),
    "an odd number of rows": (without(6), r"Questions\.csv has 5 rows after its header; .* their number is even"),
    "no row": (lambda rows, folder: rows.clear(), r"Questions\.csv has 0 rows after its header"),
    "both answers equal": (cell(4, 3, "(b)"), r"rows 3 and 4 of .*Questions\.csv both have the answer \(b\)"),
    "an answer that is neither": (cell(4, 3, "(c)"), r"row 4 of .*Questions\.csv: its answer '\(c\)' is neither"),
    "no answer": (cell(4, 3, ""), r"row 4 of .*: its answer '' is neither"),
    "another question within a pair": (
        cell(4, 1, "Is it?"),
        r"rows 3 and 4 of .*Questions\.csv ask different questions",
    ),
    "other options within a pair": (
        cell(4, 2, "(a) Shut (b) Open"),
        r"rows 3 and 4 of .*Questions\.csv have different",
    ),
    "options without letters": (
        cell(3, 2, "Open, Closed"),
        r"row 3 of .*Questions\.csv: its options 'Open, Closed' are not",
    ),
    "options with more parentheses": (
        cell(3, 2, "(a) Open (ajar) (b) Closed"),
        r"row 3 of .* without other parentheses",
    ),
    "options of one word": (
        lambda rows, folder: [cell(row, 2, "(a) Open (b) open")(rows, folder) for row in (3, 4)],
        r"rows 3 and 4 of .*Questions\.csv lack two options that differ",
    ),
    "an empty option": (cell(3, 2, "(a) (b) Closed"), r"row 3 of .*Questions\.csv: its option a is empty"),
    "an empty question": (cell(3, 1, " "), r"row 3 of .*Questions\.csv: its question is empty"),
    "a long question": (cell(3, 1, "x" * 501), r"row 3 of .*Questions\.csv: its question has 501 characters"),
    "an Index twice": (cell(4, 0, "3"), r"row 4 of .*Questions\.csv has the Index 3, and so has row 3"),
    "a gap in the Index": (cell(4, 0, "5"), r"row 4 of .*Questions\.csv has the Index 5 where 4 should be"),
    "an Index from 0": (cell(1, 0, "0"), r"row 1 of .*Questions\.csv has the Index 0 where 1 should be"),
    "no Index": (cell(4, 0, ""), r"row 4 of .*Questions\.csv has the Index \(none\) where 4 should be"),
    "a cell too many": (
        lambda rows, folder: rows[2].append("(a)"),
        r"row 3 of .* has 5 cells, 4 are read; a text with a",
    ),
    "a cell too few": (lambda rows, folder: rows[2].pop(), r"row 3 of .*Questions\.csv has 3 cells, 4 are read$"),
}


@pytest.mark.parametrize("fault", BAD_MMVP)
def test_what_is_wrong_with_mmvp_is_said_by_row_and_file_and_nothing_is_written(tmp_path: Path, fault: str) -> None:
    rows, (spoil, sentence) = asked(3), BAD_MMVP[fault]
    folder = mmvp_folder(tmp_path, asked(3))
    spoil(rows, folder)
    (folder / "Questions.csv").write_text(text_of(rows, MMVP), encoding="utf-8")
    with pytest.raises(Refused, match=sentence) as refused:
        imported(folder)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "runs").exists()


def vlm_row(row: int, column: int, text: str) -> Callable[[Rows], None]:
    def spoil(rows: Rows) -> None:
        rows[row - 1][column] = text

    return spoil


BAD_VLM: dict[str, tuple[Callable[[Rows], Any], str]] = {
    "an odd number of rows of a Type": (
        vlm_row(4, 1, "Presence"),
        r"has 3 rows of the Type Orientation, from row 1 on",
    ),
    "a pair of two Types": (
        lambda rows: [vlm_row(row, 1, kind)(rows) for row, kind in ((4, "Presence"), (5, "Orientation"))],
        r"rows 3 and 4 of .*Questions\.csv are a pair of two Types, Orientation and Presence",
    ),
    "an unknown Type": (
        vlm_row(3, 1, "Smell"),
        r"row 3 of .*Questions\.csv has the Type 'Smell'; types are: Orientation",
    ),
    "an odd number of rows": (lambda rows: rows.pop(), r"Questions\.csv has 7 rows after its header"),
    "an id twice": (vlm_row(4, 0, "3"), r"row 4 of .*Questions\.csv has the Question ID 3, and so has row 3"),
    "an empty statement": (vlm_row(4, 2, ""), r"row 4 of .*Questions\.csv: its statement is empty"),
    "two equal statements": (
        vlm_row(4, 2, "A thing that is 3"),
        r"rows 3 and 4 of .*Questions\.csv lack two statements that differ",
    ),
}


@pytest.mark.parametrize("fault", BAD_VLM)
def test_what_is_wrong_with_mmvp_vlm_is_said_by_row_and_file(tmp_path: Path, fault: str) -> None:
    rows, (spoil, sentence) = stated(2, FOLDERS[:2]), BAD_VLM[fault]
    folder = vlm_folder(tmp_path, rows)
    spoil(rows)
    (folder / "Questions.csv").write_text(text_of(rows, VLM), encoding="utf-8")
    with pytest.raises(Refused, match=sentence):
        imported(folder, "mmvp-vlm")
    assert not (tmp_path / "runs").exists()


def test_an_image_of_mmvp_vlm_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    folder = vlm_folder(tmp_path, stated(1))
    (folder / "MLLM_VLM Images" / "Color" / "11.jpg").write_bytes(b"GIF89a")
    with pytest.raises(Refused, match=r"row 11 of .*Questions\.csv: its image .*Color/11\.jpg does not decode"):
        imported(folder, "mmvp-vlm")
    (folder / "MLLM_VLM Images" / "Color" / "11.jpg").unlink()
    with pytest.raises(
        Refused, match=r"row 11 of .*Questions\.csv: its image Color/11\.jpg is not in .*MLLM_VLM Images"
    ):
        imported(folder, "mmvp-vlm")


def test_two_folders_of_one_type_are_refused(tmp_path: Path) -> None:
    folder = vlm_folder(tmp_path, stated(1))
    (folder / "MLLM_VLM Images" / "Camera_Perspective").mkdir()
    with pytest.raises(Refused, match=r"Camera_Perspective is the second folder"):
        imported(folder, "mmvp-vlm")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ("mmvp", r"Questions\.csv begins with 'Question ID,Type,Statement' and not with Index,Question"),
        ("huggingface", "holds no Parquet file"),
        ("mmmu", "no format 'mmmu' to import; there are: mmvp, mmvp-vlm, huggingface, label-studio"),
    ],
)
def test_a_folder_of_another_form_is_refused_with_what_was_looked_for(tmp_path: Path, form: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        imported(vlm_folder(tmp_path, stated(1)), form)


def test_what_is_no_folder_or_has_no_table_or_no_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="does not exist; name the published folder"):
        imported(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="is not a folder"):
        imported(tmp_path / "file")
    with pytest.raises(Refused, match="is in a bucket"):
        import_from("s3://bucket/MMVP", str(tmp_path / "runs/taken"), "mmvp")
    folder = mmvp_folder(tmp_path, asked(1))
    for file in (folder / "MMVP Images").iterdir():
        file.unlink()
    (folder / "MMVP Images").rename(folder / "other")
    with pytest.raises(Refused, match="has no folder MMVP Images, and no folder holds images"):
        imported(folder)
    (folder / "Questions.csv").write_bytes(
        b"Index,Question,Options,Correct Answer\n1,Is it a caf\xe9?,(a) x (b) y,(a)\n"
    )
    with pytest.raises(Refused, match=r"Questions\.csv is not UTF-8"):
        imported(folder)
    (folder / "Questions.csv").unlink()
    with pytest.raises(Refused, match=r"Questions\.csv cannot be read: No such file"):
        imported(folder)


@pytest.mark.parametrize(
    ("form", "option", "given"),
    [
        ("mmvp", "--name", {"by": "bob"}),
        ("mmvp-vlm", "--name", {"by": "bob"}),
        ("huggingface", "--name", {"by": "bob"}),
        ("label-studio", "--answers", {"answers": "corrected"}),
        ("label-studio", "--answers", {"answers": "as_found", "by": "bob"}),  # the default, but somebody said it
    ],
)
def test_an_option_that_would_do_nothing_is_refused(tmp_path: Path, form: str, option: str, given: Any) -> None:
    with pytest.raises(Refused, match=f"^{option} does not apply to the format {form}; leave it out$"):
        import_from(str(mmvp_folder(tmp_path, asked(1))), str(tmp_path / "runs" / "taken"), form, **given)
    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def of_the_hub(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """Four pairs as `export --format huggingface` writes them."""
    root = tmp_path_factory.mktemp("hub")
    (to := root / "to").mkdir()
    HUGGINGFACE.write(read_benchmark(Run.open(str(frozen_run(root, 4)))), to)
    return pq.read_table(to / "data")


def hub_folder(root: Path, rows: list[dict[str, Any]], like: pa.Table) -> Path:
    (folder := root / "hub" / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=like.schema), folder / "test-00000-of-00001.parquet")
    return folder.parent


def said(*rows: int, **values: object) -> Callable[[list[dict[str, Any]]], None]:
    """Puts these values into these rows, counted from 1."""

    def spoil(table: list[dict[str, Any]]) -> None:
        for row in rows:
            table[row - 1].update(values)

    return spoil


def like_row_4(column: str) -> Callable[[list[dict[str, Any]]], None]:
    return lambda table: table[2].update({column: table[3][column]})


BROKEN = {"bytes": photo(1)[:500], "path": "3.jpg"}
NOTHING = dict.fromkeys(("question", "options", "answer", "statement"))
BAD_ROWS: dict[str, tuple[Callable[[list[dict[str, Any]]], Any], str]] = {
    "a gap in the index": (said(4, index=5), r"row 4 \(.*parquet\) has the index 5"),
    "an odd number of rows": (lambda rows: rows.pop(), r"has 7 rows"),
    "no rows": (lambda rows: rows.clear(), r"has 0 rows"),
    "both answers equal": (like_row_4("answer"), r"rows 3 and 4 \(.*\) both have the answer"),
    "an answer that is neither": (said(3, answer="c"), r"row 3 \(.*\): its answer 'c' is neither a nor b"),
    "another question": (said(3, question="x"), r"rows 3 and 4 \(.*\) differ in question"),
    "other options": (said(3, options=["x", "y"]), r"rows 3 and 4 \(.*\) differ in options"),
    "three options": (said(3, 4, options=["x", "y", "z"]), r"row 3 \(.*\) has 3 options"),
    "an empty option": (said(3, 4, options=["x", ""]), r"row 3 \(.*\): its option b is empty"),
    "options without a question": (said(3, 4, question=None), r"row 3 \(.*\): its question is empty"),
    "another pattern": (said(3, pattern=None), r"rows 3 and 4 \(.*\) differ in pattern"),
    "no pattern for a statement": (said(3, 4, pattern=None), r"row 3 \(.*\) has a statement and no pattern"),
    "an unknown pattern": (said(3, 4, pattern="smell"), r"rows 3 and 4 .* 'smell'; patterns are"),
    "a statement for one image": (said(3, statement=None), r"rows 3 and 4 .* not have a statement each"),
    "equal statements": (like_row_4("statement"), r"rows 3 and 4 .* lack two statements that differ"),
    "options of one word": (said(3, 4, options=["Open", "open"]), r"rows 3 and 4 .* lack two options that differ"),
    "a parenthesis": (said(3, 4, options=["Open (wide)", "Shut"]), r"rows 3 and 4 .* lack options without parentheses"),
    "a time that is none": (said(3, authored_at="long ago"), r"rows 3 and 4 .* 'long ago', which is not a time"),
    "a broken image": (said(3, image=BROKEN), r"row 3 \(.*\): its image\.bytes\[2\] does not decode \(its header"),
    "no image": (said(3, image=None), r"row 3 .*image\.bytes\[2\] does not decode \(there are no bytes\)"),
    "nothing asked or stated": (said(3, 4, **NOTHING), r"rows 3 and 4 \(.*\) neither ask nor state anything"),
}


@pytest.mark.parametrize("fault", BAD_ROWS)
def test_what_is_wrong_with_a_data_set_of_the_hub_is_said_by_row_and_file(tmp_path, of_the_hub, fault: str) -> None:
    rows, (spoil, sentence) = of_the_hub.to_pylist(), BAD_ROWS[fault]
    spoil(rows)
    with pytest.raises(Refused, match=sentence):
        imported(hub_folder(tmp_path, rows, of_the_hub), "huggingface")
    assert not (tmp_path / "hub" / "runs").exists()


def test_a_parquet_of_another_shape_is_refused(tmp_path: Path, of_the_hub: pa.Table) -> None:
    (folder := tmp_path / "hub").mkdir()
    for table, sentence in (
        (of_the_hub.drop_columns(["question"]), r"test\.parquet has no column question, where"),
        (of_the_hub.set_column(1, "index", of_the_hub["index"].cast(pa.string())), r"has string in its column index"),
        (of_the_hub.set_column(2, "image", of_the_hub["question"]), r"has string in its column image"),
    ):
        pq.write_table(table, folder / "test.parquet")
        with pytest.raises(Refused, match=sentence):
            imported(folder, "huggingface")
    (folder / "test.parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused, match=r"test\.parquet cannot be read as Parquet"):
        imported(folder, "huggingface")


def test_a_run_inside_of_the_folder_is_refused(tmp_path: Path, of_the_hub: pa.Table) -> None:
    folder = hub_folder(tmp_path, of_the_hub.to_pylist(), of_the_hub)
    with pytest.raises(Refused, match="lies inside the folder that is imported"):
        import_from(str(folder), str(folder / "runs" / "taken"), "huggingface")


def test_a_run_of_a_name_that_is_none_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="run: write a name of the letters"):
        import_from(str(mmvp_folder(tmp_path, asked(1))), str(tmp_path / "runs" / "a name"), "mmvp")
    assert not (tmp_path / "runs").exists()


def test_an_image_too_narrow_for_a_run_is_refused_beforehand(tmp_path: Path) -> None:
    folder, stream = mmvp_folder(tmp_path, asked(1)), io.BytesIO()
    Image.new("RGB", (2, 400)).save(stream, "PNG")
    (folder / "MMVP Images" / "2.jpg").write_bytes(stream.getvalue())
    with pytest.raises(Refused, match=r"row 2 of .*2\.jpg does not decode \(2 x 400 pixels"):
        imported(folder)
