"""Files of replies that are not as they should be: refused before any work, naming file, line and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from world.foreign_files import ENDINGS, WORDS, asked, changed, lines_of, number_of, refusal, reply_of, stage, written

from manifests.errors import Refused
from pipeline.config.evaluation import named_model
from stages.base import Machine
from stages.evaluate.imports import files
from stages.evaluate.imports.settings import IMPORTED_KINDS


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_the_file_that_the_others_spoil_is_taken(tmp_path: Path, kind: str) -> None:
    made = stage(kind, written(tmp_path, kind, lines_of(kind)))
    made.external_state()
    reads = asked(tmp_path)
    [task] = made.plan(reads)
    [part] = made.process(task, reads)
    assert part.counts.ok == made.expected(reads) == 4


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
@pytest.mark.parametrize("number", [-1, 0, 5, 300])
def test_a_reply_to_a_question_that_is_not_there(tmp_path: Path, kind: str, number: int) -> None:
    lines = lines_of(kind)
    told = number - (kind == "lmms-eval-log")
    lines[2][number_of(kind)] = str(told) if kind == "vlmevalkit-result" else told
    path = written(tmp_path, kind, lines)
    if number < 0 and kind == "vlmevalkit-result":
        assert "row 3" in refusal(kind, path)
        return
    text = refusal(kind, path, tmp_path)
    assert f"question {number}," in text
    assert "4 questions" in text
    assert " 3 of " in text


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_two_replies_to_one_question(tmp_path: Path, kind: str) -> None:
    lines = lines_of(kind)
    text = refusal(kind, written(tmp_path, kind, [*lines, lines[1]]))
    assert " 2 of " in text
    assert " 5 of " in text
    assert "question 2" in text


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("vlmevalkit-result", "question", "Is it open?"),
        ("vlmevalkit-result", "B", "Shut"),
        ("vlmevalkit-result", "answer", "A"),
        ("mmvp-answers", "prompt", "Is it open? (a) Open (b) Closed"),
        ("mmvp-answers", "answer", "(a)"),
        ("lmms-eval-log", "input", "Is it open?\nA. Open\nB. Closed\nAnswer with the option's letter."),
        ("lmms-eval-log", "target", "A"),
        ("lmms-eval-log", "target", "Shut"),
    ],
)
def test_another_version_says_something_else(tmp_path: Path, kind: str, name: str, value: str) -> None:
    text = refusal(kind, written(tmp_path, kind, changed(kind, name, value)), tmp_path)
    assert " 4 of " in text
    assert "another version" in text


def test_a_prompt_of_another_form_names_that_form(tmp_path: Path) -> None:
    put = f"{WORDS} Options:\nA. Open\nB. Closed\nAnswer with the option's letter from the given choices directly."
    lines = [line | {"input": put} for line in lines_of("lmms-eval-log")]
    path = written(tmp_path, "lmms-eval-log", lines)
    assert "prompt=letter" in refusal("lmms-eval-log", path, tmp_path)
    assert stage("lmms-eval-log", path, prompt="letter").plan(asked(tmp_path / "again"))


def test_a_prompt_of_no_known_form_is_quoted(tmp_path: Path) -> None:
    lines = [line | {"input": f"Look closely! {line['input']}"} for line in lines_of("lmms-eval-log")]
    text = refusal("lmms-eval-log", written(tmp_path, "lmms-eval-log", lines), tmp_path)
    assert "Look closely!" in text
    assert "form lmms-eval" in text


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
@pytest.mark.parametrize("place", ["number", "reply"])
def test_a_file_of_another_kind(tmp_path: Path, kind: str, place: str) -> None:
    lacking = number_of(kind) if place == "number" else reply_of(kind)
    lines = [{name: value for name, value in line.items() if name != lacking} for line in lines_of(kind)]
    text = refusal(kind, written(tmp_path, kind, lines))
    assert " 1 of " in text
    assert lacking in text


@pytest.mark.parametrize("kind", ["lmms-eval-log", "mmvp-answers"])
@pytest.mark.parametrize("value", [None, 1, True, {"a": 1}])
def test_a_reply_that_is_no_text(tmp_path: Path, kind: str, value: Any) -> None:
    text = refusal(kind, written(tmp_path, kind, changed(kind, reply_of(kind), value)))
    assert "line 4" in text
    assert "not a text" in text


@pytest.mark.parametrize("value", ["1", 1.5, True, None, "x", [1]])
@pytest.mark.parametrize("kind", ["lmms-eval-log", "mmvp-answers"])
def test_a_number_that_is_none(tmp_path: Path, kind: str, value: Any) -> None:
    assert "not a number" in refusal(kind, written(tmp_path, kind, changed(kind, number_of(kind), value)))


def test_several_replies_to_one_request_of_lmms_eval(tmp_path: Path) -> None:
    kind = "lmms-eval-log"
    assert "2 replies" in refusal(kind, written(tmp_path, kind, changed(kind, "filtered_resps", ["A", "B"])))


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_an_empty_file(tmp_path: Path, kind: str, text: str) -> None:
    (path := tmp_path / f"replies{ENDINGS[kind]}").write_text(text, encoding="utf-8")
    assert "holds no reply" in refusal(kind, path)


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_a_file_that_is_not_utf_8(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind, lines_of(kind))
    data = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*data[:2], b"\xff\xfe", *data[2:]]))
    text = refusal(kind, path)
    assert "line 3" in text
    assert "UTF-8" in text


@pytest.mark.parametrize("kind", ["lmms-eval-log", "mmvp-answers"])
def test_a_line_that_is_cut_off(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind, lines_of(kind))
    path.write_bytes(path.read_bytes()[:-10])
    text = refusal(kind, path)
    assert "line 4" in text
    assert "cut off" in text


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_a_reply_larger_than_any(tmp_path: Path, kind: str) -> None:
    text = refusal(kind, written(tmp_path, kind, changed(kind, reply_of(kind), "A" * (1 << 20) + "A")))
    assert " 4 of " in text


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_a_long_reply_is_no_longer_than_that(tmp_path: Path, kind: str) -> None:
    assert stage(kind, written(tmp_path, kind, changed(kind, reply_of(kind), "A" * 500_000))).external_state()


@pytest.mark.parametrize("kind", ["lmms-eval-log", "mmvp-answers"])
def test_half_a_character(tmp_path: Path, kind: str) -> None:
    assert "surrogate" in refusal(kind, written(tmp_path, kind, changed(kind, reply_of(kind), "\ud83d A")))


@pytest.mark.parametrize("kind", ["lmms-eval-log", "mmvp-answers"])
@pytest.mark.parametrize("line", ["[]", "1", '"text"', "null", "[" * 5000 + "]" * 5000])
def test_lines_that_are_no_objects(tmp_path: Path, kind: str, line: str) -> None:
    (path := tmp_path / "replies.jsonl").write_text(line)
    assert "line 1" in refusal(kind, path)


@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path, kind: str) -> None:
    (folder := tmp_path / f"folder{ENDINGS[kind]}").mkdir()
    for path in (tmp_path / f"none{ENDINGS[kind]}", folder):
        assert "cannot be read" in refusal(kind, path)


def test_another_file_on_the_workers_machine(tmp_path: Path) -> None:
    path = written(tmp_path, "mmvp-answers", lines_of("mmvp-answers"))
    made = stage("mmvp-answers", path)
    made.external_state()
    written(tmp_path, "mmvp-answers", changed("mmvp-answers", "response", "(b)"))
    with pytest.raises(Refused, match=r"on this machine, .* is not the file that the evaluation began with"):
        made.setup(Machine())


def test_the_form_that_asks_both_orders_is_in_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="prompt"):
        stage("mmvp-answers", tmp_path / "x.jsonl", prompt="ours")


def test_a_model_in_the_short_form_is_a_files_place() -> None:
    name, values = named_model("m=mmvp-answers:s3://bucket/answers.jsonl,vision=false", "letter")
    assert (name, values) == ("m", {"kind": "mmvp-answers", "uri": "s3://bucket/answers.jsonl", "vision": False})


def test_a_file_that_does_not_say_its_size_is_not_read_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    assert "more than" in refusal("mmvp-answers", Path("/dev/zero"))
