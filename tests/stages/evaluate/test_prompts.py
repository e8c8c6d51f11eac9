"""Each prompt form to the letter: the expected words were copied by hand from what the projects' own code writes.

Read at: tsb0601/MMVP @7635005 scripts/evaluate_mllm.py; cambrian-mllm/cambrian @a220b3f eval/eval/mmvp/mmvp_eval.py and
@8957657 eval/eval/pope/pope_eval.py; EvolvingLMMs-Lab/lmms-eval @75571cf lmms_eval/tasks/mmvp/{utils.py,
_default_template_yaml} and lmms_eval/tasks/pope/{utils.py,pope.yaml}; open-compass/VLMEvalKit @e8e78f0
vlmeval/dataset/{image_mcq,image_base,image_yorn}.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import pytest
from world.authoring import photo
from world.evaluations import question

from manifests.evaluation_tables import AS_WRITTEN, CHOICE, REVERSED, YES_NO
from stages.base import Machine
from stages.evaluate import answering
from stages.evaluate.prompts import FORMS
from stages.evaluate.reading import READERS
from stages.models.answering.base import Question, Reply
from stages.models.answering.settings import BuiltIn, PromptForm

QUESTION = "Is the door open or closed?"
TWO, FOUR = ("Open", "Closed"), ("one", "two", "three", "four")
SEEN = "Is there a dog in the image?"

CHOICES = {
    "mmvp": "Is the door open or closed? (a) Open (b) Closed",
    "letter": (
        "Is the door open or closed? Options:\nA. Open\nB. Closed\n"
        "Answer with the option's letter from the given choices directly."
    ),
    "lmms-eval": (
        "Is the door open or closed?\nA. Open\nB. Closed\n"
        "Answer with the option's letter from the given choices directly."
    ),
    "vlmevalkit": (
        "Question: Is the door open or closed?\nOptions:\nA. Open\nB. Closed\n"
        "Please select the correct answer from the options above. \n"
    ),
    "ours": "Is the door open or closed?\n\nA. Open\nB. Closed\n\nReply with only the letter of the correct option.",
}
OF_FOUR = {
    "mmvp": "How many? (a) one (b) two (c) three (d) four",
    "letter": (
        "How many? Options:\nA. one\nB. two\nC. three\nD. four\n"
        "Answer with the option's letter from the given choices directly."
    ),
    "lmms-eval": (
        "How many?\nA. one\nB. two\nC. three\nD. four\nAnswer with the option's letter from the given choices directly."
    ),
    "vlmevalkit": (
        "Question: How many?\nOptions:\nA. one\nB. two\nC. three\nD. four\n"
        "Please select the correct answer from the options above. \n"
    ),
    "ours": "How many?\n\nA. one\nB. two\nC. three\nD. four\n\nReply with only the letter of the correct option.",
}
YES_OR_NO = {
    "mmvp": "Is there a dog in the image? (a) yes (b) no",
    "letter": "Is there a dog in the image?\nAnswer the question using a single word or phrase.",
    "lmms-eval": "Is there a dog in the image?\nAnswer the question using a single word or phrase.",
    "vlmevalkit": "Is there a dog in the image?",
    "ours": "Is there a dog in the image?\n\nReply with one word: yes or no.",
}
# evaluate_mllm.py L89-94 and its --temperature; mmvp_eval.py --max_new_tokens and --temperature; generation_kwargs of
# _default_template_yaml; VLMEvalKit's vlm/llava/llava.py L70-77 and api/gpt.py L90-93
GENERATION = {
    "mmvp": (1024, 0.2),
    "letter": (512, 0.0),
    "lmms-eval": (16, 0.0),
    "vlmevalkit": (2048, 0.0),
    "ours": (2048, 0.0),
}


def test_every_form_that_a_recipe_may_name_is_there() -> None:
    assert set(FORMS) == set(get_args(PromptForm)) == set(CHOICES)
    assert {form.reader for form in FORMS.values()} <= set(READERS)


@pytest.mark.parametrize("name", FORMS)
def test_a_question_with_two_options_is_put_to_the_letter(name: str) -> None:
    assert FORMS[name].prompt(CHOICE, QUESTION, TWO) == CHOICES[name]


@pytest.mark.parametrize("name", FORMS)
def test_more_options_are_written_on_in_the_same_way(name: str) -> None:
    assert FORMS[name].prompt(CHOICE, "How many?", FOUR) == OF_FOUR[name]


@pytest.mark.parametrize("name", FORMS)
def test_a_yes_or_no_question_is_put_as_the_project_puts_those_of_pope(name: str) -> None:
    assert FORMS[name].prompt(YES_NO, SEEN, ("yes", "no")) == YES_OR_NO[name]


def test_the_options_are_written_in_the_order_asked() -> None:
    for name, words in CHOICES.items():
        swapped = words.replace("Open", "x").replace("Closed", "Open").replace("x", "Closed")
        assert FORMS[name].prompt(CHOICE, QUESTION, TWO[::-1]) == swapped
    assert FORMS["ours"].prompt(YES_NO, SEEN, ("no", "yes")).endswith("Reply with one word: no or yes.")
    assert FORMS["ours"].orders == (AS_WRITTEN, REVERSED)
    assert {form.orders for name, form in FORMS.items() if name != "ours"} == {(AS_WRITTEN,)}


@pytest.mark.parametrize("name", FORMS)
def test_replies_are_generated_as_the_project_does(name: str) -> None:
    form = FORMS[name].generation
    assert (form.max_tokens, form.temperature) == GENERATION[name]


def test_lmms_eval_strips_pope_questions_alone() -> None:
    assert FORMS["lmms-eval"].prompt(YES_NO, f" {SEEN} ", ("yes", "no")) == YES_OR_NO["lmms-eval"]
    assert FORMS["letter"].prompt(YES_NO, f"{SEEN} ", ("yes", "no")).startswith(f"{SEEN} \n")
    assert FORMS["lmms-eval"].prompt(CHOICE, f"{QUESTION} ", TWO).startswith(f"{QUESTION} \n")


def test_a_reply_names_options_as_the_prompt_writes_them() -> None:
    assert {name: form.labels(CHOICE, FOUR) for name, form in FORMS.items()} == {
        "mmvp": ("(a)", "(b)", "(c)", "(d)"),
        **dict.fromkeys(("letter", "lmms-eval", "vlmevalkit", "ours"), ("A", "B", "C", "D")),
    }
    for name, form in FORMS.items():
        labels = form.labels(YES_NO, ("yes", "no"))
        assert labels == (("(a)", "(b)") if name == "mmvp" else ("yes", "no"))
        assert form.kind(YES_NO) == (CHOICE if name == "mmvp" else YES_NO)
        assert form.kind(CHOICE) == CHOICE


@pytest.mark.parametrize("name", FORMS)
def test_every_label_stands_in_its_prompt_before_its_option(name: str) -> None:
    form = FORMS[name]
    words = form.prompt(CHOICE, "How many?", FOUR)
    for label, option in zip(form.labels(CHOICE, FOUR), FOUR, strict=True):
        assert f"{label} {option}" in words or f"{label}. {option}" in words


class Listening:
    """A model that replies A, and remembers what it was asked."""

    computed = "by hand"

    def __init__(self) -> None:
        self.asked: list[Question] = []

    def replies(self, questions: Sequence[Question], *, likelihood: bool) -> Iterator[tuple[int, Reply]]:
        self.asked += questions
        yield from ((place, Reply("A")) for place in range(len(questions)))


@pytest.mark.parametrize("name", FORMS)
def test_no_form_pads_the_image(name: PromptForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LLaVA-1.5's square of the mean colour is that model's own processing, which is given the file's bytes."""
    (path := tmp_path / "wide.jpg").write_bytes(data := photo(0))
    where = {"uri": str(path), "offset": 0, "length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    row = question(1, "pair", image_id="wide", **where)
    model = Listening()
    monkeypatch.setattr(answering, "load", lambda *_: model)
    settings = BuiltIn(kind="always_a", prompt=name)
    asker = answering.Answerer(settings, None, FORMS[name].generation, Machine(), str(tmp_path / "replies"))
    rows = list(asker.predictions([row]))
    assert [one.image for one in model.asked] == [data] * len(FORMS[name].orders)
    assert [row["prompt"] for row in rows] == [one.words for one in model.asked]
