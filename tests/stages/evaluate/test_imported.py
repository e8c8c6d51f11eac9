"""Replies that another program got are scored as ours are, if they are replies to these very questions."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from world.asked_here import evaluated, score, table_of
from world.authoring import frozen_run

from manifests.errors import Refused
from pipeline.cli.formats import export_to
from pipeline.run.run import Run

PAIRS = 4
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_run(tmp_path_factory.mktemp("imported"), PAIRS)


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Iterator[Path]:
    """The run, without an evaluation."""
    yield made

    shutil.rmtree(made / "evaluation-1", ignore_errors=True)


def letters(right: Sequence[str]) -> list[str]:
    """A model that is right but for every third question."""
    return [letter if place % 3 else "AB"["AB".index(letter) - 1] for place, letter in enumerate(right)]


def expected(replies: Sequence[str], right: Sequence[str]) -> tuple[int, int]:
    """How many questions and how many pairs are right."""
    marks = [one == other for one, other in zip(replies, right, strict=True)]
    return sum(marks), sum(map(all, zip(marks[::2], marks[1::2], strict=True)))


def figures(run: Path, model: str = "m") -> tuple[int, int]:
    return score(run, model, "question_accuracy")["right"], score(run, model, "group_accuracy")["right"]


def lines_to(path: Path, rows: Lines) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def lmms_eval(run: Path, folder: Path) -> tuple[Lines, list[str]]:
    """What lmms-eval would write of our export, and which letters are right."""
    export_to(Run.open(str(run)), "lmms-eval", folder / "lmms")
    (table,) = (folder / "lmms").glob("*.parquet")
    rows = pq.read_table(table).to_pylist()
    right = [row["Correct Answer"].strip("()").upper() for row in rows]
    asked = [f"{row['Question']}\nA. {_option(row, 'a')}\nB. {_option(row, 'b')}\nAnswer" for row in rows]
    samples = [
        {"doc_id": n, "input": words, "target": row["Correct Answer"], "filtered_resps": [reply], "mmvp_accuracy": {}}
        for n, (row, words, reply) in enumerate(zip(rows, asked, letters(right), strict=True))
    ]
    return samples, right


def _option(row: dict[str, Any], letter: str) -> str:
    _, first, second = [part.strip() for part in row["Options"].replace("(b)", "(a)").split("(a)")]
    return first if letter == "a" else second


def vlmevalkit(run: Path, folder: Path) -> tuple[Lines, list[str]]:
    export_to(Run.open(str(run)), "vlmevalkit", folder / "kit")
    (table,) = (folder / "kit").glob("*.tsv")
    csv.field_size_limit(1 << 30)
    with table.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row.pop("image")]
    right = [row["answer"] for row in rows]
    return [{**row, "prediction": reply} for row, reply in zip(rows, letters(right), strict=True)], right


def table_to(path: Path, rows: Lines) -> Path:
    if path.suffix == ".xlsx":
        from openpyxl import Workbook

        book = Workbook()
        for cells in ([*rows[0]], *([*row.values()] for row in rows)):
            book.active.append(cells)
        book.save(path)
        return path
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return path


def mmvp(run: Path, folder: Path) -> tuple[Lines, list[str]]:
    export_to(Run.open(str(run)), "mmvp", folder / "mmvp")
    with (folder / "mmvp" / "Questions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    right = [row["Correct Answer"].strip("()").upper() for row in rows]
    answers = [
        {"question_id": int(row["Index"]), "prompt": f"{row['Question']} {row['Options']}", "model_id": "llava",
         "answer": row["Correct Answer"], "response": f"({reply.lower()})", "answer_id": "x"}
        for row, reply in zip(rows, letters(right), strict=True)
    ]  # fmt: skip
    return answers, right


WAYS: dict[str, tuple[str, Callable[..., tuple[Lines, list[str]]], str, Callable[[Path, Lines], Path]]] = {
    "lmms-eval": ("lmms-eval-log", lmms_eval, "samples.jsonl", lines_to),
    "vlmevalkit tsv": ("vlmevalkit-table", vlmevalkit, "llava_data.tsv", table_to),
    "vlmevalkit xlsx": ("vlmevalkit-table", vlmevalkit, "llava_data.xlsx", table_to),
    "mmvp": ("mmvp-answers", mmvp, "answers.jsonl", lines_to),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_another_program_got_for_our_export_is_scored_as_it_counts(way: str, run: Path, tmp_path: Path) -> None:
    kind, program, name, write = WAYS[way]
    rows, right = program(run, tmp_path)
    summary = evaluated(run, f"m={kind}:{write(tmp_path / name, rows)}", "oracle=oracle")
    assert figures(run) == expected(letters(right), right)
    assert figures(run, "oracle") == (2 * PAIRS, PAIRS)
    assert summary.evaluation.model("m").form in ("lmms-eval", "vlmevalkit", "mmvp")
    assert {row["response"].strip("()").upper() for row in table_of(run, "predictions-m")} <= {"A", "B"}


def test_the_lineage_holds_the_files_hash_and_a_changed_file_is_refused(run: Path, tmp_path: Path) -> None:
    rows, right = mmvp(run, tmp_path)
    evaluated(run, f"m=mmvp-answers:{lines_to(tmp_path / 'a.jsonl', rows)}")
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "a.jsonl").rename(tmp_path / "elsewhere" / "b.jsonl")
    evaluated(run, f"m=mmvp-answers:{moved}")  # the same replies, so nothing is different
    rows[0]["response"] = right[0]  # it was wrong
    with pytest.raises(Refused, match=r"sha256.*Give the model another name"):
        evaluated(run, f"m=mmvp-answers:{lines_to(moved, rows)}")


def test_a_question_without_a_reply_is_missing_and_the_model_has_no_headline(run: Path, tmp_path: Path) -> None:
    rows, _ = mmvp(run, tmp_path)
    evaluated(run, f"m=mmvp-answers:{lines_to(tmp_path / 'a.jsonl', rows[1:])}")
    assert score(run, "m", "missing")["right"] == 1
    assert score(run, "m", "group_accuracy")["value"] is None


def test_a_call_that_failed_in_vlmevalkit_is_a_failed_prediction_and_no_reply(run: Path, tmp_path: Path) -> None:
    rows, _ = vlmevalkit(run, tmp_path)
    rows[2]["prediction"] = "Failed to obtain answer via API."
    evaluated(run, f"m=vlmevalkit-table:{table_to(tmp_path / 'a.tsv', rows)}")
    (failed,) = [row for row in table_of(run, "predictions-m") if row["status"] == "failed"]
    assert failed["response"] is None
    assert score(run, "m", "group_accuracy")["value"] is None


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


ODD: dict[str, tuple[Callable[[Lines], str | bytes | Lines], str]] = {
    "a question that does not exist": (
        lambda rows: [*rows[:-1], rows[-1] | {"question_id": 99}],
        r"line 8 of .* is a reply to question 99 of 8; it is of another benchmark",
    ),
    "number 0": (lambda rows: [rows[0] | {"question_id": 0}], "question 0 of 8"),
    "doubled": (
        lambda rows: [*rows, rows[0]],
        r"line 9 of \S+ and line 1 of \S+ are both replies to question 1; keep those of one run",
    ),
    "another version": (
        lambda rows: [rows[0] | {"prompt": "Is the dog's mouth open? (a) Yes (b) No"}],
        "is a reply to other words than question 1 has now",
    ),
    "no file of that program": (lambda rows: [{"hello": 1}], r"line 1 of .*: its prompt is missing, so it is no reply"),
    "a response that is no text": (lambda rows: [rows[0] | {"response": 3}], "its response is 3, so it is no reply"),
    "no response": (lambda rows: [without(rows[0], "response")], "its response is missing"),
    "a number that is none": (lambda rows: [rows[0] | {"question_id": "one"}], "its question_id is 'one'"),
    "empty": (lambda rows: "", "holds no reply"),
    "half a line": (lambda rows: json.dumps(rows[0])[:40], "line 1 of .* does not read as JSON"),
    "not UTF-8": (lambda rows: b"\xff\xfe\x00", "cannot be read as JSON"),
    "a list of numbers": (lambda rows: "[1, 2]", "line 1 of .*: its prompt is missing"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_file_that_is_not_of_these_questions_is_refused(case: str, run: Path, tmp_path: Path) -> None:
    change, words = ODD[case]
    path, changed = tmp_path / "answers.jsonl", change(mmvp(run, tmp_path)[0])
    if isinstance(changed, list):
        lines_to(path, changed)
    else:
        path.write_bytes(changed.encode() if isinstance(changed, str) else changed)
    with pytest.raises(Refused, match=words):
        evaluated(run, f"m=mmvp-answers:{path}")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.xlsx", b"PK no workbook", "cannot be read as an Excel file"),
        ("a.json", b"[]", "is no table of VLMEvalKit"),
        ("a.tsv", b"index\tquestion\n1\tOpen?\n", "its prediction is missing"),
        ("a.tsv", b"index\tprediction\nx1\tA\n", "its index is 'x1' and not a number"),
        ("a.tsv", b"", "holds no reply"),
        ("gone.tsv", None, "No such file"),
    ],
)
def test_a_table_that_is_none_is_refused(name: str, data: bytes | None, words: str, run: Path, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(Refused, match=words):
        evaluated(run, f"m=vlmevalkit-table:{tmp_path / name}")


def test_lmms_evals_replies_in_lists_of_lists_are_found_and_others_are_refused(run: Path, tmp_path: Path) -> None:
    rows, right = lmms_eval(run, tmp_path)
    nested = [without(row, "filtered_resps") | {"resps": [row["filtered_resps"]]} for row in rows]
    evaluated(run, f"m=lmms-eval-log:{lines_to(tmp_path / 'a.jsonl', nested)}")
    assert figures(run) == expected(letters(right), right)
    two = [rows[0] | {"filtered_resps": ["A", "B"]}]
    with pytest.raises(Refused, match=r"its reply is \['A', 'B'\] and not one text"):
        evaluated(run, f"n=lmms-eval-log:{lines_to(tmp_path / 'b.jsonl', two)}")
