"""Each prompt form puts a question to the letter as its project does. The expected texts are written from the sources.

tsb0601/MMVP scripts/evaluate_mllm.py; cambrian-mllm/cambrian eval/eval/mmvp/mmvp_eval.py; EvolvingLMMs-Lab/lmms-eval
lmms_eval/tasks/mmvp/utils.py; open-compass/VLMEvalKit vlmeval/dataset/image_mcq.py.
"""

from __future__ import annotations

import pytest

from manifests.evaluation_tables import CHOICE, YES_NO
from stages.evaluate.predict import generation_of
from stages.evaluate.prompts import FORMS
from stages.models.answering.settings import BuiltIn

QUESTION, OPTIONS = "Is the dog's mouth open or closed?", ["Open", "Closed"]
ASKED = {
    "mmvp": "Is the dog's mouth open or closed? (a) Open (b) Closed",
    "letter": (
        "Is the dog's mouth open or closed? Options:\nA. Open\nB. Closed\n"
        "Answer with the option's letter from the given choices directly."
    ),
    "lmms-eval": (
        "Is the dog's mouth open or closed?\nA. Open\nB. Closed\n"
        "Answer with the option's letter from the given choices directly."
    ),
    "vlmevalkit": (
        "Question: Is the dog's mouth open or closed?\nOptions:\nA. Open\nB. Closed\n"
        "Please select the correct answer from the options above. \n"
    ),
    "ours": (
        "Is the dog's mouth open or closed?\n\nA. Open\nB. Closed\n\nReply with only the letter of the correct option."
    ),
}
THREE = {
    "mmvp": "How many? (a) one (b) two (c) three",
    "letter": (
        "How many? Options:\nA. one\nB. two\nC. three\nAnswer with the option's letter from the given choices directly."
    ),
    "lmms-eval": (
        "How many?\nA. one\nB. two\nC. three\nAnswer with the option's letter from the given choices directly."
    ),
    "vlmevalkit": (
        "Question: How many?\nOptions:\nA. one\nB. two\nC. three\n"
        "Please select the correct answer from the options above. \n"
    ),
    "ours": "How many?\n\nA. one\nB. two\nC. three\n\nReply with only the letter of the correct option.",
}
YES_OR_NO = {
    "mmvp": "Is there a dog? (a) yes (b) no",
    "letter": "Is there a dog?\nAnswer the question using a single word or phrase.",
    "lmms-eval": "Is there a dog?\nAnswer the question using a single word or phrase.",
    "vlmevalkit": "Is there a dog?",
    "ours": "Is there a dog?\n\nReply with one word: yes or no.",
}
GENERATED = {  # longest reply in tokens, temperature
    "mmvp": (1024, 0.2),
    "letter": (512, 0.0),
    "lmms-eval": (16, 0.0),
    "vlmevalkit": (2048, 0.0),
    "ours": (2048, 0.0),
}


def test_these_are_all_forms() -> None:
    assert set(FORMS) == set(ASKED) == set(THREE) == set(YES_OR_NO) == set(GENERATED)


@pytest.mark.parametrize("form", ASKED)
def test_a_choice_is_put_as_the_project_puts_it(form: str) -> None:
    assert FORMS[form].prompt(CHOICE, QUESTION, OPTIONS) == ASKED[form]
    assert FORMS[form].prompt(CHOICE, "How many?", ["one", "two", "three"]) == THREE[form]


@pytest.mark.parametrize("form", ASKED)
def test_yes_or_no_is_asked_as_the_project_asks_it(form: str) -> None:
    assert FORMS[form].prompt(YES_NO, "Is there a dog?", ["yes", "no"]) == YES_OR_NO[form]


@pytest.mark.parametrize("form", ASKED)
def test_replies_are_as_long_and_as_random_as_the_project_has_them_unless_the_recipe_says_otherwise(form: str) -> None:
    asked = BuiltIn(kind="coin", prompt=form)
    assert (generation_of(asked).max_tokens, generation_of(asked).temperature) == GENERATED[form]
    other = generation_of(BuiltIn(kind="coin", prompt=form, max_tokens=7, temperature=0.0, seed=3))
    assert (other.max_tokens, other.temperature, other.seed) == (7, 0.0, 3)


def test_our_form_alone_asks_both_orders() -> None:
    assert {form: len(FORMS[form].orders) for form in FORMS} == {**dict.fromkeys(ASKED, 1), "ours": 2}


def test_labels_are_as_the_prompt_shows_them() -> None:
    assert FORMS["mmvp"].labels(CHOICE, OPTIONS) == ("(a)", "(b)")
    assert FORMS["letter"].labels(CHOICE, OPTIONS) == ("A", "B")
    assert FORMS["letter"].labels(YES_NO, ["yes", "no"]) == ("yes", "no")
    assert FORMS["mmvp"].labels(YES_NO, ["yes", "no"]) == ("(a)", "(b)")
