"""Built in: three models without weights, whose scores are known beforehand, so that an evaluation can be checked.

`always_a` chooses the first option, `oracle` the right one, and `coin` any of them with equal probability. Each
replies with the option's label alone, as the prompt writes it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from manifests.errors import Refused
from stages.base import Machine
from stages.models.answering.base import Generation, Question, Reply
from stages.models.answering.settings import BuiltIn
from stages.models.encoders.weights import Weights


class BuiltInModel:
    """A model (base.AnsweringModel) that chooses one of a question's labels."""

    def __init__(self, name: str, choose: Callable[[Question], str]) -> None:
        self._name, self._choose, self.computed = name, choose, "built in"

    def replies(self, questions: Sequence[Question], *, likelihood: bool) -> Iterator[tuple[int, Reply]]:
        """Yield each question's place and reply, in order. Raises Refused for likelihoods, which it does not have."""
        if likelihood:
            raise Refused(f"{self._name} chooses an option and has no likelihoods; set answer: text")
        for place, question in enumerate(questions):
            yield place, Reply(self._choose(question))


def load(settings: BuiltIn, weights: Weights | None, generation: Generation, machine: Machine) -> BuiltInModel:
    """Return the built-in model that the settings name."""
    choices: dict[str, Callable[[Question], str]] = {
        "always_a": lambda question: question.letters[0],
        "coin": lambda question: _flip(question, generation.seed),
        "oracle": lambda question: question.right,
    }
    return BuiltInModel(settings.kind, choices[settings.kind])


def _flip(question: Question, seed: int) -> str:
    """Return a label drawn by seed, question and words (which differ by the options' order), whoever asks and when."""
    drawn = random.Random(f"{seed} {question.question_id} {question.words}")
    return drawn.choice(question.letters)
