"""Replies that other programs got to our exports: they are scored as if we had asked, and counted here by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import fsspec
import pytest
from world.authoring import author, frozen_run, paired_run
from world.benchmarks import cv_bench, pope, with_images, write_table
from world.foreign_programs import LETTERS, run_mmvp, run_vlmevalkit, write_lines
from world.imported_here import PAIRS, PROGRAMS, evaluated, frozen, is_right, made, predictions, share, sometimes_right

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.benchmark.freeze import freeze
from pipeline.cli.formats import export_to
from pipeline.config.evaluation import named_model, read_evaluation
from pipeline.run.evaluation import asking_steps
from pipeline.run.growth import StepDiffers
from pipeline.run.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with frozen pairs, and what it exports beside it."""
    root = tmp_path_factory.mktemp("run")
    run = frozen_run(root, PAIRS, training=1)
    for form, _, _ in PROGRAMS.values():
        export_to(Run.open(str(run)), form, root / form)
    return run


@pytest.mark.parametrize("kind", PROGRAMS)
def test_what_a_program_got_to_our_export_has_the_scores_that_are_counted_by_hand(
    run: Path, tmp_path: Path, kind: str
) -> None:
    scores = evaluated(tmp_path / "e", frozen(run), f"m={kind}:{made(run, kind, tmp_path)}")
    numbers = range(1, 2 * PAIRS + 1)
    assert share(scores, "question_accuracy") == (sum(map(is_right, numbers)), 2 * PAIRS)
    assert share(scores, "group_accuracy") == (sum(is_right(n) and is_right(n + 1) for n in numbers[::2]), PAIRS)
    assert scores["m", "all", "unparsed"]["right"] == len([n for n in numbers if n % 7 == 0])
    assert scores["m", "all", "group_accuracy"]["value"] is not None


@pytest.mark.parametrize("kind", PROGRAMS)
def test_replies_stand_beside_the_questions_of_their_numbers_word_for_word(
    run: Path, tmp_path: Path, kind: str
) -> None:
    said = {number: f'A\tno, "B"\u2028 ✓\n{number}' for number in range(1, 2 * PAIRS + 1)}
    file = made(run, kind, tmp_path, lambda number, right: said[number])
    evaluated(tmp_path / "e", frozen(run), f"m={kind}:{file},vision=false")
    asked = Manifest.open(Folder(str(tmp_path / "e/questions")))
    places = {
        row["question_id"]: row["place"] for b in asked.batches(("question_id", "place")) for row in b.to_pylist()
    }
    rows = predictions(tmp_path / "e", "m")
    assert {places[row["question_id"]]: row["response"] for row in rows} == said
    assert {row["vision"] for row in rows} == {False}


def test_the_prompt_and_the_tokens_are_those_that_the_file_has(run: Path, tmp_path: Path) -> None:
    models = [f"{kind}={kind}:{made(run, kind, tmp_path)}" for kind in PROGRAMS]
    evaluated(tmp_path / "e", frozen(run), *models)
    by_letter = "\nA. Open\nB. Closed\nAnswer with the option's letter from the given choices directly."
    asked = [f"Is thing {place} open or closed?" for place in range(PAIRS)]
    rows = predictions(tmp_path / "e", "lmms-eval-log")
    assert {row["prompt"] for row in rows} == {f"{words}{by_letter}" for words in asked}
    assert sorted(row["tokens_in"] for row in rows) == list(range(600, 600 + 2 * PAIRS))
    assert {row["tokens_out"] for row in rows} == {2}
    bracketed = {f"{words} (a) Open (b) Closed" for words in asked}
    assert {row["prompt"] for row in predictions(tmp_path / "e", "mmvp-answers")} == bracketed
    assert {row["prompt"] for row in predictions(tmp_path / "e", "vlmevalkit-result")} == {""}


def test_lists_around_replies_as_earlier_versions_of_lmms_eval_left_them(run: Path, tmp_path: Path) -> None:
    file = made(run, "lmms-eval-log", tmp_path, flat=False)
    scores = evaluated(tmp_path / "e", frozen(run), f"m=lmms-eval-log:{file}")
    assert share(scores, "question_accuracy") == (sum(map(is_right, range(1, 2 * PAIRS + 1))), 2 * PAIRS)


@pytest.mark.parametrize("ending", [".json", ".xlsx"])
def test_every_format_of_vlmevalkit_is_read_alike(run: Path, tmp_path: Path, ending: str) -> None:
    if ending == ".xlsx":
        pytest.importorskip("openpyxl", reason="the extra xlsx is not installed")
    file = run_vlmevalkit(run.parent / "vlmevalkit", tmp_path / f"m{ending}", sometimes_right)
    scores = evaluated(tmp_path / "e", frozen(run), f"m=vlmevalkit-result:{file}")
    assert share(scores, "question_accuracy") == (sum(map(is_right, range(1, 2 * PAIRS + 1))), 2 * PAIRS)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_questions_without_a_reply_are_missing_and_leave_no_headline(run: Path, tmp_path: Path, kind: str) -> None:
    file = made(run, kind, tmp_path)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-3]), encoding="utf-8")
    scores = evaluated(tmp_path / "e", frozen(run), f"m={kind}:{file}")
    assert scores["m", "all", "missing"]["right"] == 3
    assert scores["m", "all", "group_accuracy"]["value"] is None
    assert share(scores, "question_accuracy")[1] == 2 * PAIRS


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("lmms-eval-log", "[LMMS_EVAL_REQUEST_FAILED after 5 retries] Error code: 500"),
        ("vlmevalkit-result", "Failed to obtain answer via API."),
    ],
)
def test_a_request_that_failed_there_is_no_reply_here(run: Path, tmp_path: Path, kind: str, told: str) -> None:
    file = made(run, kind, tmp_path, lambda number, right: told if number == 5 else right)
    scores = evaluated(tmp_path / "e", frozen(run), f"m={kind}:{file}")
    assert scores["m", "all", "failed"]["right"] == 1
    assert scores["m", "all", "question_accuracy"]["value"] is None
    [row] = [row for row in predictions(tmp_path / "e", "m") if row["status"] == "failed"]
    assert row["response"] is None
    assert told in row["error"]


def test_an_empty_reply_is_kept_and_chooses_nothing(run: Path, tmp_path: Path) -> None:
    models = [
        f"{kind}={kind}:{made(run, kind, tmp_path, lambda number, right: '' if number == 2 else right)}"
        for kind in PROGRAMS
    ]
    scores = evaluated(tmp_path / "e", frozen(run), *models)
    for kind in PROGRAMS:
        assert scores[kind, "all", "unparsed"]["right"] == 1
        assert share(scores, "question_accuracy", kind) == (2 * PAIRS - 1, 2 * PAIRS)


def test_pairs_that_only_state_have_no_number_in_the_exports(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 4)
    author(run, [0, 2], question="", option_a="", option_b="", left_answer="")
    author(run, [1, 3])
    freeze(Run.open(str(run)))
    export_to(Run.open(str(run)), "mmvp", tmp_path / "mmvp")
    file = run_mmvp(tmp_path / "mmvp", tmp_path / "answers.jsonl", lambda number, right: right if number < 4 else "C")
    scores = evaluated(tmp_path / "e", frozen(run), f"m=mmvp-answers:{file}")
    assert share(scores, "question_accuracy") == (3, 4)
    assert share(scores, "group_accuracy") == (1, 2)


def test_the_same_file_elsewhere_is_the_same_step_and_a_changed_one_is_refused(run: Path, tmp_path: Path) -> None:
    file = made(run, "mmvp-answers", tmp_path)
    evaluated(tmp_path / "e", frozen(run), f"m=mmvp-answers:{file}")
    (moved := tmp_path / "moved").mkdir()
    file = file.rename(moved / "other-name.jsonl")
    evaluated(tmp_path / "e", frozen(run), f"m=mmvp-answers:{file}")
    file.write_text(file.read_text(encoding="utf-8").replace("I do not know", "I do know"), encoding="utf-8")
    with pytest.raises(StepDiffers, match="file"):
        evaluated(tmp_path / "e", frozen(run), f"m=mmvp-answers:{file}")


def test_files_of_replies_come_before_models_that_are_asked(run: Path, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", [{"question_id": 99, "response": "A"}])
    recipe = {"benchmark": frozen(run), "models": dict(map(named_model, ("b=oracle", f"m=mmvp-answers:{file}")))}
    names = [step.name for step in asking_steps(read_evaluation(recipe), Folder(str(tmp_path / "e")))]
    assert names == ["questions", "predictions-m", "predictions-b"]


def test_lmms_evals_log_of_pope_and_of_cv_bench_with_more_than_two_options(tmp_path: Path) -> None:
    rows = with_images(pope(6, "random"), "image")
    benchmark = {"kind": "pope", "uri": str(write_table(tmp_path / "pope.parquet", rows))}
    lines = [
        {
            "doc_id": place,
            "target": row["answer"],
            "filtered_resps": ["Yes"],
            "input": f"{row['question']}\nAnswer the question using a single word or phrase.",
        }
        for place, row in enumerate(rows)
    ]
    file = write_lines(tmp_path / "pope.jsonl", lines)
    assert share(evaluated(tmp_path / "p", benchmark, f"m=lmms-eval-log:{file}"), "question_accuracy") == (3, 6)
    rows = with_images(cv_bench(8), "image")
    benchmark = {"kind": "cv-bench", "uri": str(write_table(tmp_path / "cv.parquet", rows))}
    records = [
        {"index": place, "question": row["question"], "answer": row["answer"].strip("()"), "prediction": "A"}
        | dict.fromkeys("ABCDE")
        | dict(zip(LETTERS, row["choices"], strict=False))
        for place, row in enumerate(rows, 1)
    ]
    (tmp_path / "cv.json").write_text(json.dumps(records), encoding="utf-8")
    scores = evaluated(tmp_path / "c", benchmark, f"m=vlmevalkit-result:{tmp_path / 'cv.json'}")
    assert share(scores, "question_accuracy") == (sum(row["answer"] == "(A)" for row in rows), 8)


def test_a_file_in_a_bucket_is_read_like_one_on_a_disk(run: Path, tmp_path: Path) -> None:
    data = made(run, "lmms-eval-log", tmp_path).read_bytes()
    with fsspec.open("memory://replies/samples.jsonl", "wb") as file:
        file.write(data)
    scores = evaluated(tmp_path / "e", frozen(run), "m=lmms-eval-log:memory://replies/samples.jsonl")
    assert share(scores, "question_accuracy") == (sum(map(is_right, range(1, 2 * PAIRS + 1))), 2 * PAIRS)
    lineage = Manifest.open(Folder(str(tmp_path / "e/predictions-m"))).lineage
    assert lineage.external_state == {"file": hashlib.sha256(data).hexdigest()}
