"""Prompts: the forms in which a question is put, each exactly as its project puts it.

A form also says how replies are generated and by which rule its own scorer reads them. Figures of different forms
must not be compared: the same model got 24.7 and 22.7 with two of them.

`mmvp`: tsb0601/MMVP @7635005, scripts/evaluate_mllm.py L57-110: question, a space, the options as the benchmark
writes them; sampled at temperature 0.2, at most 1024 tokens. It has no form for yes or no: such a question is put with
both as options. Its replies are judged by a language model (grade.py), so it has no reader of its own.
`letter`: cambrian-mllm/cambrian @539ffc3, eval/eval/mmvp/mmvp_eval.py L40-52 and L168-176 (their code splits off two
options; more are written on in the same way); for yes or no eval/eval/pope/pope_eval.py L44-53 and L171.
`lmms-eval`: EvolvingLMMs-Lab/lmms-eval @75571cf, lmms_eval/tasks/mmvp/utils.py `mmvp_doc_to_text` and
_default_template_yaml; for yes or no tasks/pope/utils.py `pope_doc_to_text`, whose task allows 128 tokens where this
form stays at 16: its scorer takes nothing but the word itself.
`vlmevalkit`: open-compass/VLMEvalKit @e8e78f0, vlmeval/dataset/image_mcq.py `ImageMCQDataset.build_prompt` (which ends
in a space and a line break); a yes-or-no question is put alone, dataset/image_base.py `build_prompt`. Its models each
have their own limits: greedy and 2048 tokens are those of its LLaVA (vlm/llava/llava.py L70-76) and of its OpenAI
client (api/gpt.py L90-93).

No form pads images. LLaVA-1.5's square of the mean colour belongs to that model's own processing
(`process_images` with the model's `image_aspect_ratio: pad`, which all programs above but MMVP's script call), not to
how a question is put: the same programs give other models the image as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from manifests.evaluation_tables import AS_WRITTEN, CHOICE, REVERSED, YES_NO
from stages.evaluate.readers.read import LETTERS
from stages.models.answering.base import Generation

Words = Callable[[str, Sequence[str]], str]  # question, options in the order asked -> the prompt without the image


@dataclass(frozen=True)
class Form:
    """One way to put a question. The image comes before the words."""

    words: Words
    generation: Generation
    reader: str  # of reading.READERS
    yes_no: Words | None = None  # how a question is put whose options are yes and no; None: as a choice
    label: Callable[[str], str] = str  # how a letter stands in the prompt: "A", or "(a)"
    orders: tuple[str, ...] = (AS_WRITTEN,)  # in which the options are asked
    version: int = 1  # raised when the same question is put in other words

    def kind(self, kind: str) -> str:
        """Return choice or yes_no: as what a question of this kind is put."""
        return CHOICE if self.yes_no is None else kind

    def prompt(self, kind: str, question: str, options: Sequence[str]) -> str:
        """Return the words for a question of this kind, its options in the order in which they are asked."""
        if kind == YES_NO and self.yes_no is not None:
            return self.yes_no(question, options)
        return self.words(question, options)

    def labels(self, kind: str, options: Sequence[str]) -> tuple[str, ...]:
        """Return how a reply names each option: by letters, or by the words yes and no where no letters are shown."""
        if self.kind(kind) == YES_NO:
            return tuple(options)
        return tuple(self.label(letter) for letter in LETTERS[: len(options)])


def bracketed(letter: str) -> str:
    return f"({letter.lower()})"


def mmvp_words(question: str, options: Sequence[str]) -> str:
    """Return question and options on one line, as MMVP writes both: `Is it open? (a) Open (b) Closed`."""
    return " ".join([question, *(f"{bracketed(letter)} {option}" for letter, option in lettered(options))])


def lettered(options: Sequence[str]) -> list[tuple[str, str]]:
    """Return (capital letter, option) of each option."""
    return list(zip(LETTERS[: len(options)], options, strict=True))


def _listed(options: Sequence[str]) -> str:
    return "\n".join(f"{letter}. {option}" for letter, option in lettered(options))


def _letter(question: str, options: Sequence[str]) -> str:
    return f"{question} Options:\n{_listed(options)}\n{BY_LETTER}"


def _lmms_eval(question: str, options: Sequence[str]) -> str:
    return f"{question}\n{_listed(options)}\n{BY_LETTER}"


def _vlmevalkit(question: str, options: Sequence[str]) -> str:
    asked = "Please select the correct answer from the options above. "
    return f"Question: {question}\nOptions:\n{_listed(options)}\n{asked}\n"


def _ours(question: str, options: Sequence[str]) -> str:
    return f"{question}\n\n{_listed(options)}\n\nReply with only the letter of the correct option."


def _ours_yes_no(question: str, options: Sequence[str]) -> str:
    return f"{question}\n\nReply with one word: {' or '.join(option.lower() for option in options)}."


def _word(question: str, options: Sequence[str]) -> str:
    return f"{question}\nAnswer the question using a single word or phrase."


def _word_stripped(question: str, options: Sequence[str]) -> str:
    return _word(question.strip(), options)


def _alone(question: str, options: Sequence[str]) -> str:
    return question


BY_LETTER = "Answer with the option's letter from the given choices directly."

FORMS: Mapping[str, Form] = {
    "mmvp": Form(mmvp_words, Generation(1024, 0.2), "ours", label=bracketed),
    "letter": Form(_letter, Generation(512), "cambrian", _word),
    "lmms-eval": Form(_lmms_eval, Generation(16), "lmms-eval", _word_stripped),
    "vlmevalkit": Form(_vlmevalkit, Generation(2048), "vlmevalkit", _alone),
    "ours": Form(_ours, Generation(2048), "ours", _ours_yes_no, orders=(AS_WRITTEN, REVERSED)),
}
