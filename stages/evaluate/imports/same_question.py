"""Same question: check that a reply in a file is to the benchmark's question of the same number.

The exports for lmms-eval, VLMEvalKit and MMVP number the questions that are in words from 1, in the benchmark's order.
Whatever the file says of a question must agree. The right answer counts too: both questions of a pair have the same
words, so only the answer tells which image is meant. White space does not count: programs change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from manifests.errors import Refused
from stages.evaluate.imports.reply import ImportedReply, clipped
from stages.evaluate.imports.settings import FilePrompt
from stages.evaluate.prompts import FORMS
from stages.models.answering.settings import PromptForm
from stages.text import many

Row = Mapping[str, Any]
OTHER = (
    "the file is of another version of the benchmark: evaluate that version (--questions), or export this one and "
    "have the program ask it"
)


def matched(
    replies: Sequence[ImportedReply], questions: Sequence[Row], form: PromptForm
) -> Iterator[tuple[Row, ImportedReply]]:
    """Yield each question that has a reply, in the benchmark's order. `questions`: all that are in words, in order.

    Raises Refused for a reply to a question that is not there or says something else, and for a prompt in other words
    than the form's.
    """
    for reply in sorted(replies, key=lambda one: one.number):
        if not 1 <= reply.number <= len(questions):
            there = many(len(questions), "question")
            raise Refused(
                f"{reply.where} is a reply to question {reply.number}, but only {there} can be asked in words; {OTHER}"
            )
        question = questions[reply.number - 1]
        _check_words(reply, question)
        _check_prompt(reply, question, form)
        _check_answer(reply, question)
        yield question, reply


def _check_words(reply: ImportedReply, question: Row) -> None:
    if reply.question is not None and bare(reply.question) != bare(question["question"]):
        raise _other(reply, "question", reply.question, question["question"])
    options = tuple(question["options"])
    if reply.options is not None and [*map(bare, reply.options)] != [*map(bare, options)]:
        raise _other(reply, "options", reply.options, options)


def _check_prompt(reply: ImportedReply, question: Row, form: PromptForm) -> None:
    if reply.prompt is None:
        return
    options, given = list(question["options"]), bare(reply.prompt)
    if given == bare(FORMS[form].prompt(question["kind"], question["question"], options)):
        return
    if bare(question["question"]) not in given:
        raise _other(reply, "prompt", reply.prompt, question["question"])
    forms = {name: FORMS[name].prompt(question["kind"], question["question"], options) for name in get_args(FilePrompt)}
    fitting = [name for name, words in forms.items() if given == bare(words)]
    remedy = f"add prompt={fitting[0]}" if fitting else "run the export as it is, so that figures can be compared"
    raise Refused(
        f"{reply.where}: question {reply.number} was put as {clipped(reply.prompt)}, which are not the words of the "
        f"form {form}; {remedy}"
    )


def _check_answer(reply: ImportedReply, question: Row) -> None:
    if reply.answer is None or is_right(reply.answer, question):
        return
    right = f"({question['answer']}) {question['options'][ord(question['answer']) - ord('a')]}"
    raise Refused(
        f"{reply.where}: the right answer of question {reply.number} is {clipped(reply.answer)} in the file and "
        f"{clipped(right)} in the benchmark; {OTHER}. Where MMVP's answers are disputed, `blindpairs import --answers` "
        "chooses which are right"
    )


def is_right(told: str, question: Row) -> bool:
    """Return whether a file's right answer is the question's: its letter, with or without brackets, or its words."""
    letter, words = question["answer"], told.strip().casefold()
    named = words.strip("().")
    if len(named) == 1 and ord(named) - ord("a") in range(len(question["options"])):
        return bool(named == letter)
    return bare(words) == bare(question["options"][ord(letter) - ord("a")].casefold())


def bare(text: str) -> str:
    """Return a text without white space."""
    return "".join(text.split())


def _other(reply: ImportedReply, what: str, there: object, here: object) -> Refused:
    both = f"{clipped(there)} in the file and {clipped(here)} in the benchmark"
    return Refused(f"{reply.where}: the {what} of question {reply.number} is {both}; {OTHER}")
