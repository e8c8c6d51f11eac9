"""Patterns: the prompt of words alone, and a proposal that is counted and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from world.authoring import author, frozen_run, paired_run
from world.chat_server import chat_server, said

from manifests.errors import Waiting
from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.drafts.patterns import PatternsSummary, pattern_prompt, propose
from pipeline.benchmark.freeze import freeze
from pipeline.run.run import Run
from stages.models.chat import Chat, DraftFailed

TWO = [
    {"name": "Openness", "definition": "Whether a thing\nis open.", "questions": [2, 1, 2, "3"]},
    {"name": "Doors", "definition": "Doors.", "questions": [1]},
]


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    return read_benchmark(Run.open(str(frozen_run(tmp_path, 5)))).of()


def proposed(benchmark: Benchmark, reply: Any) -> PatternsSummary:
    with chat_server(said(reply)) as server:
        return propose(Chat(server.url, "some-model"), benchmark)


def test_the_prompt_holds_every_question_and_its_options_in_order(benchmark: Benchmark) -> None:
    lines = pattern_prompt(benchmark).splitlines()
    asked = [f"{number}. {pair.question} (a) Open (b) Closed" for number, pair in enumerate(benchmark.pairs, 1)]
    assert lines[-5:] == asked
    assert "image embedding model" in lines[0]


def test_the_model_is_sent_words_and_no_image(benchmark: Benchmark) -> None:
    with chat_server(said(TWO)) as server:
        propose(Chat(server.url, "some-model"), benchmark)
    (asked,) = server.asked
    assert asked.words == pattern_prompt(benchmark)
    assert asked.pictures == []


def test_a_proposal_is_read_with_its_questions_checked(benchmark: Benchmark) -> None:
    answer = proposed(
        benchmark, [*TWO, {"name": "Other", "definition": 5, "questions": [0, 6, -1, "x", None, 2.5, True]}]
    )
    assert [(one.name, one.definition, one.questions) for one in answer.patterns] == [
        ("Openness", "Whether a thing is open.", (1, 2, 3)),
        ("Doors", "Doors.", (1,)),
        ("Other", "", ()),
    ]
    assert answer.unknown == 7
    assert answer.in_none == (4, 5)


def test_a_person_sees_each_pattern_with_some_of_its_questions(benchmark: Benchmark) -> None:
    many = {"name": "Openness", "definition": "\x1b[1mOpen.", "questions": [1, 2, 3, 4]}
    text = str(proposed(benchmark, [TWO[1], many]))
    lines = text.splitlines()
    assert "2 patterns that some-model proposes over 5 questions" in lines[0]
    assert lines[1] == "Openness (4): ?[1mOpen."  # the larger one first
    assert lines[2] == f"  1. {benchmark.pairs[0].question} (a) Open (b) Closed"
    assert lines[5] == "  and 1 more"
    assert lines[6] == "Doors (1): Doors."
    assert lines[-1] == "in no pattern: 1"


def test_a_program_gets_all_of_it(benchmark: Benchmark) -> None:
    told = json.loads(json.dumps(proposed(benchmark, TWO).to_json()))
    assert told["patterns"][0] == {"name": "Openness", "definition": "Whether a thing is open.", "questions": [1, 2, 3]}
    assert told["in_none"] == [4, 5]
    assert told["model"] == "some-model"
    assert len(told["questions"]) == 5


@pytest.mark.parametrize(
    "text",
    [
        f"As shown in [1], here:\n```json\n{json.dumps(TWO)}\n```\nI used [all] of [2, 3].",
        json.dumps({"patterns": TWO}),
    ],
)
def test_the_list_is_found_in_prose_and_in_an_object(benchmark: Benchmark, text: str) -> None:
    assert [one.name for one in proposed(benchmark, text).patterns] == ["Openness", "Doors"]


@pytest.mark.parametrize(
    ("reply", "why"),
    [("none", "without the JSON"), ([], "no pattern"), ([{"definition": "x"}], "without a name"),
     ([1], "without a name"), ([{"name": {"x": 1}, "questions": [1]}], "without a name")],
)  # fmt: skip
def test_a_reply_that_is_no_proposal_is_a_failed_draft(benchmark: Benchmark, reply: Any, why: str) -> None:
    with pytest.raises(DraftFailed, match=why):
        proposed(benchmark, reply)


def test_without_a_question_there_is_nothing_to_ask(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    author(run, [0], question="", option_a="", option_b="", left_answer="")
    freeze(Run.open(str(run)))
    with pytest.raises(Waiting, match="statements only"):
        pattern_prompt(read_benchmark(Run.open(str(run))))
