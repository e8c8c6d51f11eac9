"""Words that a spreadsheet runs as a formula: found where an export writes them as a cell of a CSV or a TSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.authoring import author, frozen_run, paired_run

from manifests.errors import Refused
from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.checks.check import check
from pipeline.benchmark.checks.formulas import is_formula
from pipeline.benchmark.formats.writing.forms import FORMS
from pipeline.benchmark.freeze import freeze
from pipeline.cli.formats import export_to
from pipeline.run.run import Run

CODE = "formula_in_table"
CALC = "=cmd|' /C calc'!A0"
TEXTS = ("question", "option_a", "option_b", "left_statement", "right_statement")
# the formats whose files a spreadsheet opens -> the texts that are cells of their own there
CELLS = {
    "mmvp": ("question",),
    "mmvp-vlm": ("left_statement", "right_statement"),
    "vlmevalkit": ("question", "option_a", "option_b"),
}


def frozen_with(root: Path, **words: str) -> Path:
    """A run of two pairs, frozen, the second of which has these words."""
    run = paired_run(root, 2)
    author(run, [0])
    author(run, [1], **words)
    freeze(Run.open(str(run)))
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """For each text a run in which it is a formula."""
    return {text: frozen_with(tmp_path_factory.mktemp(text), **{text: CALC}) for text in TEXTS}


@pytest.mark.parametrize("form", [name for name in FORMS if name not in ("llava", "cambrian")])
@pytest.mark.parametrize("text", TEXTS)
def test_a_formula_is_found_where_its_text_is_a_cell(runs, tmp_path: Path, form: str, text: str) -> None:
    findings = export_to(Run.open(str(runs[text])), form, tmp_path / "out", only_check=True).findings
    met = [one for one in findings if one.code == CODE]
    assert bool(met) is (text in CELLS.get(form, ()))
    for one in met:
        assert one.where.startswith("questions ")
        assert CALC in one.sentence


@pytest.mark.parametrize("form", ["llava", "cambrian"])
def test_json_for_training_holds_no_cell(tmp_path: Path, form: str) -> None:
    run = frozen_run(tmp_path, 1)
    author(run, [0], question=CALC, use="training")
    freeze(Run.open(str(run)))
    assert CODE not in {
        one.code for one in export_to(Run.open(str(run)), form, tmp_path / "out", only_check=True).findings
    }


@pytest.mark.parametrize("form", CELLS)
def test_it_hinders_the_export_until_a_person_accepts_it_and_the_words_stay(tmp_path: Path, form: str) -> None:
    run = frozen_with(tmp_path, **dict.fromkeys(CELLS[form][:1], CALC))
    with pytest.raises(Refused, match=rf"a spreadsheet .* \({CODE}\).*--accept {CODE}"):
        export_to(Run.open(str(run)), form, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    export_to(Run.open(str(run)), form, tmp_path / "out", accepted=[CODE])
    (table,) = (path for path in (tmp_path / "out").iterdir() if path.name == "Questions.csv" or path.suffix == ".tsv")
    csv.field_size_limit(1 << 24)
    with table.open(encoding="utf-8", newline="") as file:
        assert any(CALC in row for row in csv.reader(file, delimiter="\t" if table.suffix == ".tsv" else ","))


RUN = (
    *(
        "=1+1",
        CALC,
        "@SUM(A1)",
        "+A1",
        "-A1",
        "-1+1",
        "+1-2",
        "--1",
        "=-1",
        "- open",
        "+",
        "-",
        "=",
        "@",
        "-1 and more",
    ),
    *("\t=1", "\r=1", " =1", "\u00a0=1", "\tplain", "\rplain", "＝1+1", "＋A1", "－A1", "＠SUM(A1)", "﹦1", "－1+1"),
    *("-1e", "+-1", "-1;2", "-1/2", "-1:2", "-(1)", "+0x10", "-A"),
)
KEPT = (
    *("", "Open", "1", "-1", "+1", "-1.5", "+1,000", "-.5", "-5%", "-1e3", "+1.5E-7", "－１", "-1 ", " -1", "-1.000,5"),
    *("a=b", "1+1", "1-1", "a@b", "(=1)", "'=1", "“=1”", " plain", "–1", "—", "→ left"),
)


@pytest.mark.parametrize("text", RUN)
def test_what_a_spreadsheet_runs_is_a_formula(text: str) -> None:
    assert is_formula(text)


@pytest.mark.parametrize("text", KEPT)
def test_words_and_lone_numbers_are_no_formula(text: str) -> None:
    assert not is_formula(text)


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3), st.sampled_from(["", "+", "-"]))
def test_no_signed_number_is_a_formula(number: object, sign: str) -> None:
    assert not is_formula(f"{sign}{str(number).lstrip('-')}")


def test_options_that_are_numbers_pass(tmp_path: Path) -> None:
    run = frozen_with(tmp_path, option_a="-1", option_b="+1")
    assert CODE not in {one.code for one in export_to(Run.open(str(run)), "vlmevalkit", tmp_path / "out").findings}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    return read_benchmark(Run.open(str(frozen_run(tmp_path_factory.mktemp("made"), 2))))


def test_each_text_is_a_finding_that_says_how_it_begins(made: Benchmark) -> None:
    pair = replace(made.pairs[1], question="=1+1", options=("@x", "-1"))
    both = replace(made, pairs=(made.pairs[0], pair))
    form = FORMS["vlmevalkit"]
    first, second = (one for one in check(both, form.takes, cells=form.cells) if one.code == CODE)
    assert first.where.startswith("questions 3 and 4 (")
    assert 'the question "=1+1" begins with "=", and a spreadsheet that opens the table runs it as a formula' in (
        first.sentence
    )
    assert 'the option a "@x" begins with "@"' in second.sentence
