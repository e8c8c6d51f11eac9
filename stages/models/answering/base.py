"""Base: the protocol of models that answer, and the one place that maps each kind to its module.

A kind's module has `load(settings, weights, generation, machine) -> AnsweringModel`. To add a kind, write a settings
class, a module, and a line in MODULES.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from manifests.errors import BlindpairsError, Refused
from manifests.tables import OK
from stages.base import Machine
from stages.models.answering.settings import AnsweringSettings
from stages.models.encoders.base import describe, is_out_of_memory
from stages.models.encoders.weights import Weights

MODULES = {
    "always_a": "stages.models.answering.built_in",
    "coin": "stages.models.answering.built_in",
    "oracle": "stages.models.answering.built_in",
    "transformers": "stages.models.answering.checkpoint",
    "openai": "stages.models.answering.server",
}


@dataclass(frozen=True)
class Generation:
    """How a reply is generated. `temperature` 0 is greedy decoding; `seed` counts only above 0."""

    max_tokens: int
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Question:
    """One question as a model is asked it, in a conversation of its own.

    `words` is the prompt without the image; `image` the file's original bytes, None if none is shown; `letters` label
    the options in the order asked, as the prompt writes them ("A" or "(a)"); `right` is the label of the right one,
    which only the built-in oracle looks at. `system` is a system message, "" for none.
    """

    question_id: str
    words: str
    image: bytes | None
    letters: tuple[str, ...]
    right: str
    system: str = ""


@dataclass(frozen=True)
class Reply:
    """What a model replied. `status`: ok, truncated (at max_tokens), refused, or failed for good (`error` says why).

    `scores`: the log-probability of each option, in the order asked, where the options' likelihood was asked for.
    """

    response: str | None
    status: str = OK
    scores: tuple[float, ...] | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0.0
    error: str | None = None


class NoReply(BlindpairsError):
    """Some questions got no reply, which may be different later; the replies there are were yielded before."""


class AnsweringModel(Protocol):
    """A model, loaded. `computed` names precision and device, or the server and the day."""

    computed: str

    def replies(self, questions: Sequence[Question], *, likelihood: bool) -> Iterator[tuple[int, Reply]]:
        """Yield each question's place and reply, in any order, as soon as it is known.

        `likelihood`: no words are wanted but `scores`. Raises NoReply, after the other replies, if some questions have
        none and asking again later may help; Refused if the model cannot do what is asked.
        """
        ...


def load(
    settings: AnsweringSettings, weights: Weights | None, generation: Generation, machine: Machine
) -> AnsweringModel:
    """Load a model. Raises Refused if weights, model or settings do not fit; a failure of the machine as it is."""
    module = import_module(MODULES[settings.kind])
    try:
        model: AnsweringModel = module.load(settings, weights, generation, machine)
    except Refused:
        raise
    except Exception as error:  # the libraries raise almost anything for a checkpoint that is not theirs
        if is_out_of_memory(error) or "CUDA" in str(error):
            raise
        named = getattr(settings, "model", settings.kind)
        raise Refused(f"{settings.kind} does not load {named}: {describe(error)}") from error
    return model


def seed_of(question: Question, seed: int) -> int:
    """Return a seed for one question in one order of its options, which no other question changes."""
    digest = hashlib.sha256(f"{seed} {question.question_id} {question.words}".encode()).digest()
    return int.from_bytes(digest[:7], "big")
