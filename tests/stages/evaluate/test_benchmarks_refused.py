"""Published files that are not as they should be: each is refused before any work, naming file, row and column."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from world import benchmarks as made
from world.authoring import photo
from world.benchmarks import Rows, ask, settings_of, shown, with_images, write_images, write_lines, write_table

from manifests.errors import Refused, TasksFailed
from stages.evaluate.benchmarks.kinds import benchmark_of
from stages.evaluate.questions import AskedQuestions

TABLES: dict[str, Callable[[], Rows]] = {
    "cv-bench": lambda: with_images(made.cv_bench(4), "image"),
    "pope": lambda: with_images(made.pope(4, "random"), "image"),
    "naturalbench": lambda: with_images(made.naturalbench(4), "Image_0", "Image_1"),
    "vismin": lambda: with_images(made.vismin(4), "image_0", "image_1"),
    "hallusionbench": lambda: [row | {"image": shown(1)} for row in made.hallusionbench([4])],
}
NEEDED = {
    "cv-bench": ("idx", "type", "task", "question", "choices", "answer", "source", "image"),
    "pope": ("question_id", "question", "answer", "category", "image"),
    "naturalbench": ("Index", "Question_Type", "Question_1", "Image_1_Question_0", "Image_1"),
    "vismin": ("id", "category", "text_1", "image_0"),
    "hallusionbench": ("category", "set_id", "figure_id", "question_id", "question", "gt_answer", "visual_input"),
}


def refusal(kind: str, uri: Path, **more: Any) -> str:
    with pytest.raises(Refused) as caught:
        AskedQuestions(settings_of(kind, uri, **more)).external_state()
    text = str(caught.value)
    assert len(text) < 500
    assert "\n" not in text
    return text


@pytest.mark.parametrize("kind", TABLES)
def test_all_of_it_is_taken_as_it_is(tmp_path: Path, kind: str) -> None:
    path = write_table(tmp_path / "a.parquet", TABLES[kind]())
    assert AskedQuestions(settings_of(kind, path)).external_state()


@pytest.mark.parametrize(("kind", "column"), [(kind, column) for kind in NEEDED for column in NEEDED[kind]])
def test_a_missing_column(tmp_path: Path, kind: str, column: str) -> None:
    rows = [{name: value for name, value in row.items() if name != column} for row in TABLES[kind]()]
    path = write_table(tmp_path / "a.parquet", rows)
    text = refusal(kind, path)
    assert f"no column {column}" in text
    assert str(path) in text


@pytest.mark.parametrize(("kind", "column"), [(kind, column) for kind in NEEDED for column in NEEDED[kind][:-1]])
def test_an_empty_value(tmp_path: Path, kind: str, column: str) -> None:
    rows = TABLES[kind]()
    rows[2] |= {column: None}
    path = write_table(tmp_path / "a.parquet", rows, group=2)
    text = refusal(kind, path)
    assert f"row 3 of {path}" in text
    assert column in text


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        ("cv-bench", {"answer": "(H)"}, "answer '(H)' is none of (a) to"),
        ("cv-bench", {"answer": "()"}, "answer '()' is none of"),
        ("cv-bench", {"choices": ["one"]}, "1 options"),
        ("cv-bench", {"choices": ["one", " "]}, "choices"),
        ("pope", {"answer": "maybe"}, "answer 'maybe' is neither yes nor no"),
        ("naturalbench", {"Question_Type": "essay"}, "'essay'"),
        ("naturalbench", {"Image_0_Question_1": "C"}, "answer 'C'"),
        ("naturalbench", {"Question_Type": "multiple_choice"}, "does not end in Option"),
        ("vismin", {"text_1": "a red 2"}, "text_0 and text_1 are the same"),
        ("hallusionbench", {"gt_answer": "2"}, "gt_answer '2' is neither 1 nor 0"),
    ],
)
def test_a_value_that_cannot_be(tmp_path: Path, kind: str, changed: dict[str, Any], said: str) -> None:
    rows = TABLES[kind]()
    rows[2] |= changed
    path = write_table(tmp_path / "a.parquet", rows)
    text = refusal(kind, path)
    assert said in text
    assert f"row 3 of {path}" in text


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("cv-bench", "idx"),
        ("pope", "question_id"),
        ("naturalbench", "Index"),
        ("vismin", "id"),
        ("hallusionbench", "figure_id"),
    ],
)
def test_a_question_that_stands_twice_names_both_places(tmp_path: Path, kind: str, key: str) -> None:
    rows = TABLES[kind]()
    write_table(tmp_path / "a.parquet", rows[:3])
    write_table(tmp_path / "b.parquet", [rows[3] | {key: rows[1][key]}])
    text = refusal(kind, tmp_path)
    assert f"row 1 of {tmp_path}/b.parquet" in text
    assert f"row 2 of {tmp_path}/a.parquet" in text


@pytest.mark.parametrize("group", [1, 3, 100])
def test_a_cell_without_bytes_is_found_by_the_footer(tmp_path: Path, group: int) -> None:
    rows = TABLES["naturalbench"]()
    rows[2]["Image_1"] = None
    path = write_table(tmp_path / "a.parquet", rows, group=group)
    assert f"row 3 of {path} has no bytes in its column Image_1" in refusal("naturalbench", path)
    rows[2]["Image_1"] = {"bytes": None, "path": "elsewhere.jpg"}
    assert f"row 3 of {path} has no bytes" in refusal("naturalbench", write_table(path, rows, group=group))


@pytest.mark.parametrize(("data", "why"), [(b"", "no bytes"), (b"GIF", "not a JPEG"), (photo(1)[:90], "")])
def test_bytes_that_are_no_image_fail_the_task_with_the_cells_name(tmp_path: Path, data: bytes, why: str) -> None:
    rows = TABLES["cv-bench"]()
    rows[1]["image"] = {"bytes": data, "path": None}
    path = write_table(tmp_path / "a.parquet", rows)
    with pytest.raises(TasksFailed) as caught:
        ask(tmp_path / "e", "cv-bench", path)
    assert f"{path}#image.bytes[1]" in str(caught.value)
    assert why in str(caught.value)


def test_no_questions_at_all(tmp_path: Path) -> None:
    empty = write_table(tmp_path / "a.parquet", [])
    assert "holds no question" in refusal("pope", empty)
    assert "holds no question" in refusal("cv-bench", write_lines(tmp_path / "test_2d.jsonl", []))
    (tmp_path / "nothing").mkdir()
    assert "holds no file of pope (*.parquet, " in refusal("pope", tmp_path / "nothing")
    assert "holds no file of vismin" in refusal("vismin", tmp_path / "not/there")


@pytest.mark.parametrize("data", [b"", b"PAR1", b"<html>not found</html>", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_not_parquet(tmp_path: Path, data: bytes) -> None:
    (path := tmp_path / "test-00000.parquet").write_bytes(data)
    assert f"{path} cannot be read as Parquet" in refusal("pope", path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert f"{tmp_path}/a.parquet cannot be read as Parquet: No such file" in refusal("pope", tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{not json}\n", "line 1"),
        ('{"idx": 1}\n[1]\n', "row 1"),
        ("[1, 2]", "row 1"),
        ("[" * 200, "deep"),
        ('"text"\n', "row 1"),
        ("\xff\xfe\n", "JSON"),
    ],
)
def test_not_json(tmp_path: Path, text: str, why: str) -> None:
    (path := tmp_path / "test_2d.jsonl").write_bytes(text.encode("latin-1"))
    assert why in refusal("cv-bench", path)
    assert str(path) in refusal("cv-bench", path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.jpg", "a/../../secret.jpg", "s3://bucket/a.jpg"])
def test_an_image_outside_the_folder_is_never_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(photo(1))
    rows = [row | {"filename": name} for row in made.cv_bench(1)]
    path = write_lines(tmp_path / "in/test_2d.jsonl", rows)
    assert "outside the folder of images" in refusal("cv-bench", path)


def test_an_image_that_is_not_in_the_folder(tmp_path: Path) -> None:
    rows = made.cv_bench(3)
    path = write_lines(tmp_path / "test_2d.jsonl", rows)
    write_images(tmp_path, [row["filename"] for row in rows[:2]])
    text = refusal("cv-bench", path)
    assert f"row 3 of {path}: its image img/2D/count/2.png is not in {tmp_path}" in text
    assert "images: FOLDER" in text
    path.write_text(json.dumps(rows[0] | {"filename": None}))
    assert "names no image: its filename is missing" in refusal("cv-bench", path)


def test_an_image_stored_in_other_case_is_found_if_it_is_the_only_one(tmp_path: Path) -> None:
    rows = [row | {"filename": "a.png"} for row in made.cv_bench(1)]
    path = write_lines(tmp_path / "test_2d.jsonl", rows)
    (tmp_path / "a.PNG").write_bytes(photo(1))
    (row,) = benchmark_of(settings_of("cv-bench", path)).rows()
    assert row["uri"] == f"{tmp_path}/a.PNG"
    (tmp_path / "A.png").write_bytes(photo(1))
    assert "is not in" in refusal("cv-bench", path)


def test_popes_file_says_its_category(tmp_path: Path) -> None:
    line = {"question_id": 1, "image": "a.jpg", "text": "Is there?", "label": "yes"}
    (tmp_path / "a.jpg").write_bytes(photo(1))
    assert "does not say its category" in refusal("pope", write_lines(tmp_path / "pope.jsonl", [line]))


def test_an_image_that_went_after_the_check_fails_the_task_with_its_name(tmp_path: Path, monkeypatch) -> None:
    rows = made.cv_bench(2)
    path = write_lines(tmp_path / "test_2d.jsonl", rows)
    write_images(tmp_path, [row["filename"] for row in rows])
    monkeypatch.setattr(AskedQuestions, "setup", lambda self, machine: (tmp_path / rows[1]["filename"]).unlink())
    with pytest.raises(TasksFailed, match=r"img/2D/count/1\.png cannot be shown to a model"):
        ask(tmp_path / "e", "cv-bench", path)
