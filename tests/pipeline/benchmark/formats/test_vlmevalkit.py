"""The TSV for VLMEvalKit, read as it reads it (by pandas), and the script that counts pairs, as people run it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import random
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.dataset import dataset
from world.authoring import author, paired_run

from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.formats.writing.vlmevalkit import FORM, NO_TEXT, data_name, write
from pipeline.benchmark.formats.writing.vlmevalkit import SPECIAL as GUARDED
from pipeline.benchmark.freeze import freeze
from pipeline.run.run import Run

SPECIAL = ("mmbench", "ccbench", "circular", "mmcr", "MMT", "MMSci", "MMMU", "LEGO", "openended", "VIDEO")
SHARES = re.compile(r"^(.+?) {2,}([01]\.\d{4})  \((\d+) of (\d+)\)$", re.MULTILINE)
Reply = Callable[[Mapping[str, str]], str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pairs: two of orientation, three of count, one of which nobody named the pattern."""
    run = paired_run(tmp_path_factory.mktemp("runs"), 6)
    author(run, range(2), pattern="orientation")
    author(run, range(2, 5), pattern="count")
    author(run, [5], pattern="", option_a="Yes, open", option_b="None")
    freeze(Run.open(str(run)))
    return run


@pytest.fixture(scope="module")
def benchmark(run: Path) -> Benchmark:
    return read_benchmark(Run.open(str(run))).of(FORM.use, having=FORM.takes)


@pytest.fixture(scope="module")
def folder(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    write(benchmark, to := tmp_path_factory.mktemp("kit"))
    return to


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    """The TSV's rows, by the standard library."""
    return rows_in(folder)


def tsv_in(folder: Path) -> Path:
    (path,) = folder.glob("*.tsv")
    return path


def rows_in(folder: Path) -> list[dict[str, str]]:
    with tsv_in(folder).open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def loaded(folder: Path) -> pd.DataFrame:
    """What VLMEvalKit asks: its `load`, and what its ImageBaseDataset then keeps."""
    table = pd.read_csv(tsv_in(folder), sep="\t")
    return table[~pd.isna(table["image"])]


def test_the_rows_are_the_frozen_questions_in_their_order(run: Path, rows: Sequence[Mapping[str, str]]) -> None:
    frozen = sorted(dataset(run / "questions-1").to_table().to_pylist(), key=lambda row: row["place"])
    hashes = {row["image_id"]: row["sha256"] for row in dataset(run / "images").to_table().to_pylist()}
    assert [row["index"] for row in rows] == [str(place) for place in range(1, 13)]
    for row, asked in zip(rows, frozen, strict=True):
        assert row["question"] == asked["question"]
        assert [row["A"].strip(), row["B"].strip()] == asked["options"]
        assert row["answer"] == asked["answer"].upper()
        assert row["category"] == (asked["pattern"] or "other")
        image = base64.b64decode(row["image"], validate=True)
        assert hashlib.sha256(image).hexdigest() == hashes[asked["image_id"]]


def test_an_image_is_never_short_enough_to_be_taken_for_a_reference(rows: Sequence[Mapping[str, str]]) -> None:
    assert min(len(row["image"]) for row in rows) > 64


words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).map(lambda text: " ".join(text.split()))
missing = st.sampled_from(["None", "NA", "N/A", "nan", "NULL", "null", "<NA>", "n/a", "#N/A", "-nan"])
option = (words | missing).filter(bool)


@settings(deadline=None)
@given(question=option, a=option, b=option)
def test_no_word_is_lost_on_the_way_through_pandas(benchmark: Benchmark, question: str, a: str, b: str) -> None:
    pair = replace(benchmark.pairs[0], question=question, options=(a, b))
    with tempfile.TemporaryDirectory() as name:
        write(replace(benchmark, pairs=(pair,)), Path(name))
        table = loaded(Path(name))
    assert list(table["index"]) == [1, 2]
    assert not table.isna().any(axis=None)
    assert [f"{table.iloc[0][name]}".strip() for name in ("question", "A", "B")] == [question, a, b]


numberlike = st.text("+-.eE01579infaINFtyTrueFALSE", min_size=1, max_size=6)
read_otherwise = st.sampled_from(["1.50", "007", "1", "2.0", "+5", "-0", "1e5", "inf", "True", "FALSE", "9" * 19, ".5"])


@settings(deadline=None)
@given(options=st.lists(st.tuples(*[numberlike | read_otherwise | missing] * 2), min_size=1, max_size=3))
def test_numbers_and_truths_are_shown_as_they_were_written(benchmark, options: list[tuple[str, str]]) -> None:
    pairs = tuple(replace(pair, options=both) for pair, both in zip(benchmark.pairs, options, strict=False))
    with tempfile.TemporaryDirectory() as name:
        write(replace(benchmark, pairs=pairs), Path(name))
        table = loaded(Path(name))
    shown = [(f"{row.A}".rstrip(), f"{row.B}".rstrip()) for _, row in table.iterrows()]
    assert shown == [both for both in options for _ in range(2)]
    assert [str(index) for index in table["index"]] == [str(place) for place in range(1, 2 * len(pairs) + 1)]


@settings(deadline=None, max_examples=100)
@given(text=st.text("+-.eE0159 infaNItyTrueFALS_xjd,%", min_size=1, max_size=7) | words.filter(bool))
def test_what_is_held_for_text_pandas_holds_for_text(text: str) -> None:
    text = " ".join(text.split())
    if text and not NO_TEXT.fullmatch(text):
        stream = io.StringIO()
        csv.writer(stream, delimiter="\t").writerows([["A", "B"], [text, "x"]])
        told = pd.read_csv(io.StringIO(stream.getvalue()), sep="\t", keep_default_na=False).A[0]
        assert told == text


def test_the_row_that_keeps_numbers_as_words_is_there_only_where_it_must_be(benchmark, tmp_path: Path) -> None:
    for options, more in ((("1.50", "Two"), 1), (("Two", "True"), 1), (("2", "3"), 0), (("Two", "None"), 0)):
        (to := tmp_path / "-".join(options)).mkdir()
        write(replace(benchmark, pairs=(replace(benchmark.pairs[0], options=options),)), to)
        assert [row["index"] for row in rows_in(to)] == ["1", "2", "0"][: 2 + more]
        assert ("ends in a row 0 without an image" in (to / "README.md").read_text()) is bool(more)
        assert [row["index"] for row in csv.DictReader((to / "answers.csv").read_text().splitlines())] == ["1", "2"]


def test_words_with_tabs_and_line_ends_stay_in_their_cell(benchmark: Benchmark, tmp_path: Path) -> None:
    pair = replace(benchmark.pairs[0], question='Is "it"\topen\r\nor closed?', options=("an\topen\none", '"closed"'))
    write(replace(benchmark, pairs=(pair,)), tmp_path)
    table = pd.read_csv(tsv_in(tmp_path), sep="\t")
    assert list(table.question) == ['Is "it" open or closed?'] * 2
    assert list(table.A) == ["an open one"] * 2
    assert list(table.B) == ['"closed"'] * 2
    assert tsv_in(tmp_path).read_text().count("\n") == 3


@settings(deadline=None)
@given(name=st.text(min_size=1).filter(lambda name: "/" not in name))
def test_any_name_of_a_run_makes_a_plain_name(benchmark: Benchmark, name: str) -> None:
    found = data_name(replace(benchmark, run=f"runs/{name}", version=2))
    assert re.fullmatch(r"blindpairs_[A-Za-z0-9_]+_v2_[0-9a-f]{8}", found, re.ASCII)


def test_other_rows_or_images_have_another_name(benchmark: Benchmark) -> None:
    first, second, *more = benchmark.pairs
    photo, answer = first.first.photo, first.first.answer
    changed = {
        "as it is": benchmark.pairs,
        "forgotten": (second, *more),
        "in another order": (second, first, *more),
        "other image": (
            replace(first, first=replace(first.first, photo=replace(photo, sha256="0" * 64))),
            second,
            *more,
        ),
        "turned": (replace(first, first=first.second, second=first.first), second, *more),
        "other answer": (
            replace(first, first=replace(first.first, answer="ab".replace(str(answer), ""))),
            second,
            *more,
        ),
        "other words": (replace(first, options=("Open", "Shut")), second, *more),
        "other pattern": (replace(first, pattern="text"), second, *more),
    }
    names = {what: data_name(replace(benchmark, pairs=pairs)) for what, pairs in changed.items()}
    assert len(set(names.values())) == len(names), names
    assert all(name.startswith("blindpairs_made_v1_") for name in names.values())


def test_two_runs_of_one_name_have_two_names_and_a_copy_has_the_same(benchmark: Benchmark, tmp_path: Path) -> None:
    other = paired_run(tmp_path, 7)
    author(other, range(6, 0, -1))
    freeze(Run.open(str(other)))
    assert data_name(read_benchmark(Run.open(str(other)))) != data_name(benchmark)
    shutil.copytree(benchmark.run, tmp_path / "copy" / "made")
    copy = read_benchmark(Run.open(str(tmp_path / "copy" / "made"))).of()
    assert data_name(copy) == data_name(benchmark)
    seen = tuple(replace(pair, reviewed_by=("bob",)) for pair in copy.pairs)
    assert data_name(replace(copy, pairs=seen)) == data_name(benchmark)


def test_no_word_that_is_treated_specially_is_of_hexadecimal_digits() -> None:
    assert not [word for word in GUARDED if re.fullmatch("[0-9a-f]+", word)]


@pytest.mark.parametrize("word", SPECIAL)
def test_a_name_holds_no_word_that_vlmevalkit_treats_specially(benchmark: Benchmark, word: str) -> None:
    names = [data_name(replace(benchmark, run=f"runs/my-{case}2")) for case in (word, word.upper(), word.lower())]
    assert not any(special.lower() in name.lower() for special in SPECIAL for name in names)
    assert data_name(replace(benchmark, run=f"runs/other-{word}")) not in names


def test_the_same_benchmark_gives_the_same_bytes(benchmark: Benchmark, folder: Path, tmp_path: Path) -> None:
    write(benchmark, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("answers.csv", "pair_score.py", "README.md"),
        f"{data_name(benchmark)}.tsv",
    }
    assert all(path.read_bytes() == (folder / path.name).read_bytes() for path in tmp_path.iterdir())


def result(rows: Sequence[Mapping[str, str]], path: Path, reply: Reply, **more: Reply) -> Path:
    """A result as VLMEvalKit writes it: the TSV without images, with what the model said."""
    kept = [{name: value for name, value in row.items() if name != "image"} for row in rows]
    told = [row | {"prediction": reply(row)} | {name: say(row) for name, say in more.items()} for row in kept]
    pd.DataFrame(told).to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False, quoting=csv.QUOTE_ALL)
    return path


Ended = subprocess.CompletedProcess[str]


def scored_alone(folder: Path, *words: str | Path) -> Ended:
    """The script as a process that has the standard library and nothing else."""
    asked = [sys.executable, "-I", "-S", str(folder / "pair_score.py"), *map(str, words)]
    return subprocess.run(asked, capture_output=True, text=True)


def scored(folder: Path, *words: str | Path) -> Ended:
    """The script, run in this process as if it were one."""
    asked, out, err = [str(folder / "pair_score.py"), *map(str, words)], io.StringIO(), io.StringIO()
    with patch.object(sys, "argv", asked), redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        runpy.run_path(asked[0], run_name="__main__")
    return subprocess.CompletedProcess(asked, int(end.value.code or 0), out.getvalue(), err.getvalue())


def shares(folder: Path, path: Path, how: Callable[..., Ended] = scored) -> dict[str, tuple[float, int, int]]:
    ended = how(folder, path)
    assert ended.returncode == 0, ended.stderr
    return {name.strip(): (float(share), int(n), int(of)) for name, share, n, of in SHARES.findall(ended.stdout)}


def right(row: Mapping[str, str]) -> str:
    return row["answer"]


@pytest.mark.parametrize("suffix", [".tsv", ".csv"])
def test_a_model_that_is_always_right_scores_one(folder: Path, rows: Any, tmp_path: Path, suffix: str) -> None:
    assert shares(folder, result(rows, tmp_path / f"result{suffix}", right), scored_alone) == {
        "question accuracy": (1.0, 12, 12),
        "pair accuracy": (1.0, 6, 6),
        "orientation": (1.0, 2, 2),
        "count": (1.0, 3, 3),
        "other": (1.0, 1, 1),
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_model_that_ignores_the_image_has_no_pair_right(folder: Path, rows: Any, tmp_path: Path, seed: int) -> None:
    def reply(row: Mapping[str, str]) -> str:
        return random.Random(f"{seed} {row['question']}").choice(["A", "B", "(a)", "The answer is B."])

    found = shares(folder, result(rows, tmp_path / "result.tsv", reply))
    assert found["question accuracy"] == (0.5, 6, 12)
    assert {name: n for name, (_, n, _) in found.items() if name != "question accuracy"} == {
        "pair accuracy": 0,
        "orientation": 0,
        "count": 0,
        "other": 0,
    }


def test_the_order_of_the_rows_does_not_matter(folder: Path, rows: Any, tmp_path: Path) -> None:
    def reply(row: Mapping[str, str]) -> str:
        return "A" if int(row["index"]) < 5 else row["answer"]

    expected = shares(folder, result(rows, tmp_path / "in-order.tsv", reply))
    shuffled = random.Random(7).sample(rows, len(rows))
    assert shares(folder, result(shuffled, tmp_path / "shuffled.tsv", reply)) == expected
    assert expected["pair accuracy"] == (0.6667, 4, 6)


def test_missing_rows_are_said_and_count_as_wrong(folder: Path, rows: Any, tmp_path: Path) -> None:
    some = [row for row in rows if row["index"] not in ("2", "11", "12")]
    ended = scored(folder, path := result(some, tmp_path / "result.tsv", right))
    assert shares(folder, path)["question accuracy"] == (0.75, 9, 12)
    assert shares(folder, path)["pair accuracy"] == (0.6667, 4, 6)
    assert shares(folder, path)["other"] == (0.0, 0, 1)
    assert "3 questions are missing, and count as wrong: 2, 11, 12" in ended.stdout


WAYS = (
    "{0}",
    "{0}.",
    "({0})",
    "({0}).",
    "Answer: {0}",
    "the answer is {0}",
    "The answer is: ({0}).",
    " {0}\n",
    "[{0}]",
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_a_letter_is_read_in_the_ways_that_models_write_it(folder, rows, tmp_path, way, case) -> None:
    path = result(rows, tmp_path / "result.tsv", lambda row: case(way.format(row["answer"])))
    assert shares(folder, path)["pair accuracy"] == (1.0, 6, 6)


@pytest.mark.parametrize(
    "way", ["{0}", "{0}.", "Answer: {0}", "the answer is {0}.", "{1}. {0}", "({1}) {0}", "{1}: {0}."]
)
def test_the_words_of_an_option_are_read_as_its_letter(folder: Path, rows: Any, tmp_path: Path, way: str) -> None:
    path = result(rows, tmp_path / "result.tsv", lambda row: way.format(row[row["answer"]].strip(), row["answer"]))
    assert shares(folder, path)["pair accuracy"] == (1.0, 6, 6)


@pytest.mark.parametrize("reply", ["", "C", "maybe", "A or B", "opened", "B. Open", "A B", "nan"])
def test_a_reply_that_names_neither_option_is_wrong_and_said(folder, rows, tmp_path, reply: str) -> None:
    ended = scored(folder, path := result(rows[:2], tmp_path / "result.tsv", lambda row: reply))
    assert shares(folder, path)["question accuracy"][1] == 0
    assert "2 replies name neither option, and count as wrong: 1, 2" in ended.stdout


def test_options_that_are_letters_cannot_make_a_blind_model_right(benchmark, tmp_path: Path) -> None:
    pair = replace(benchmark.pairs[0], question="Is the letter an A or a B?", options=("B", "A"))
    write(replace(benchmark, pairs=(pair,)), tmp_path)
    rows = rows_in(tmp_path)
    for letter in "AB":
        found = shares(tmp_path, result(rows, tmp_path / "result.tsv", lambda row, letter=letter: letter))
        assert found["question accuracy"] == (0.5, 1, 2)
        assert found["pair accuracy"] == (0.0, 0, 1)


def test_no_reply_is_no_answer_even_where_an_option_is_a_mark(benchmark: Benchmark, tmp_path: Path) -> None:
    pair = replace(benchmark.pairs[0], question="Does it end with a point or a dash?", options=(".", "-"))
    write(replace(benchmark, pairs=(pair,)), tmp_path)
    rows = rows_in(tmp_path)
    found = shares(tmp_path, result(rows, tmp_path / "result.tsv", lambda row: ""))
    assert found["question accuracy"] == (0.0, 0, 2)


def test_what_vlmevalkit_judged_is_believed(folder: Path, rows: Any, tmp_path: Path) -> None:
    judged = result(rows, tmp_path / "judged.tsv", lambda row: "who knows", hit=lambda row: str(int(row["index"]) <= 4))
    assert shares(folder, judged)["pair accuracy"] == (0.3333, 2, 6)
    numbers = result(
        rows, tmp_path / "numbers.csv", lambda row: "A", hit=lambda row: "1" if row["index"] > "2" else "0"
    )
    assert shares(folder, numbers)["question accuracy"][1] == sum(row["index"] > "2" for row in rows)


def test_a_sheet_is_read_too(folder: Path, rows: Any, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="VLMEvalKit has openpyxl; this environment does not")
    kept = pd.DataFrame([row | {"index": int(row["index"]), "image": ""} for row in rows])
    kept.assign(prediction=kept.answer).to_excel(tmp_path / "result.xlsx", index=False)
    ended = subprocess.run(
        [sys.executable, folder / "pair_score.py", tmp_path / "result.xlsx"], capture_output=True, text=True
    )
    assert "pair accuracy      1.0000  (6 of 6)" in ended.stdout


def test_a_sheet_without_its_library_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "result.xlsx").write_bytes(b"PK")
    ended = scored_alone(folder, tmp_path / "result.xlsx")
    assert ended.returncode == 2
    assert "pip install openpyxl" in ended.stderr


def changed(rows: Sequence[Mapping[str, str]], path: Path, change: Callable[[Any], None]) -> Path:
    table = pd.read_csv(io.StringIO(result(rows, path, right).read_text()), sep="\t", dtype=str, keep_default_na=False)
    change(table)
    table.to_csv(path, sep="\t", index=False)
    return path


def another_question(table: Any) -> None:
    table.loc[3, "question"] = "Is it another question?"


def twice(table: Any) -> None:
    table.loc[3, "index"] = "1"


def one_too_many(table: Any) -> None:
    table.loc[3, "index"] = "13"


def no_number(table: Any) -> None:
    table.loc[3, "index"] = "four"


def no_reply(table: Any) -> None:
    table.drop(columns="prediction", inplace=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (another_question, "row 4 that is not a question of this benchmark"),
        (one_too_many, "row 13 that is not a question of this benchmark"),
        (twice, "the index 1 twice"),
        (no_number, "index is 'four', not a number"),
        (no_reply, "needs a column index, and prediction or hit"),
    ],
)
def test_a_result_of_something_else_is_not_scored(folder, rows, tmp_path, change, said: str) -> None:
    ended = scored(folder, changed(rows, tmp_path / "result.tsv", change))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_result_that_is_not_there_is_said(folder: Path, tmp_path: Path) -> None:
    ended = scored_alone(folder, tmp_path / "nothing.tsv")
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert "nothing.tsv" in ended.stderr
    assert scored(folder).returncode == 2


def test_the_folder_may_be_moved(folder: Path, rows: Any, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert shares(tmp_path / "elsewhere", result(rows, tmp_path / "r.tsv", right))["pair accuracy"] == (1.0, 6, 6)


def test_the_readme_says_the_commands(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    assert f"python run.py --data {tsv_in(folder).stem} --model MODEL" in text
    assert "python pair_score.py RESULT" in text
    assert "$LMUData" in text
