"""Batches: a loaded checkpoint that answers questions, as many at once as fit.

On a GPU several questions are asked at once; where memory runs out, half as many. On a CPU, and where replies are
drawn at random, one is asked at a time, so that no other question changes a bit of its reply.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from manifests.evaluation_tables import FAILED, TRUNCATED
from manifests.tables import OK
from stages.images import ImageRefused, decode
from stages.models.answering.base import NoReply, Question, Reply, seed_of
from stages.models.answering.conversations import BLANK, TRIAL, Conversations, Shown
from stages.models.answering.decoding import Decoding
from stages.models.encoders.base import is_out_of_memory

OUT_OF_MEMORY = "memory ran out with one question at a time; use a larger GPU, or precision: bfloat16"


@dataclass
class CheckpointModel:
    """A model (base.AnsweringModel). `batch`: how many questions are asked at once; halved when memory runs out."""

    asked: Conversations
    decoding: Decoding
    batch: int
    computed: str = ""

    def replies(self, questions: Sequence[Question], *, likelihood: bool) -> Iterator[tuple[int, Reply]]:
        """Yield each question's place and reply. Raises NoReply at the end if memory ran out for a single one."""
        lacking: list[str] = []
        for waiting in _alike(questions):
            while waiting:
                places, waiting = waiting[: self.batch], waiting[self.batch :]
                replies = self._tried([questions[place] for place in places], likelihood)
                if replies is not None:
                    yield from zip(places, replies, strict=True)
                elif len(places) == 1:
                    lacking.append(questions[places[0]].question_id)
                else:
                    self.batch, waiting = len(places) // 2, [*places, *waiting]
        if lacking:
            raise NoReply(f"{len(lacking)} questions, such as {lacking[0]}, got no reply: {OUT_OF_MEMORY}")

    def check(self) -> None:
        """Ask for one token about a blank image. Raises ValueError or Refused if it is not seen."""
        config = self.decoding.model.config
        self.asked.check(getattr(config, "image_token_id", None) or getattr(config, "image_token_index", None))
        with self.asked.device.computing():
            self.decoding.log_probabilities(self.asked.inputs([(TRIAL, BLANK)]))

    def _tried(self, questions: Sequence[Question], likelihood: bool) -> list[Reply] | None:
        """Return replies to one batch; None if memory ran out."""
        began = time.perf_counter()
        try:
            with self.asked.device.computing():
                replies = self._batch(questions, likelihood)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            replies = None
        if replies is None and self.asked.device.is_gpu:
            torch.cuda.empty_cache()  # after the error is gone, which holds what was computed
        seconds = (time.perf_counter() - began) / len(questions)
        return None if replies is None else [replace(reply, seconds=seconds) for reply in replies]

    def _batch(self, questions: Sequence[Question], likelihood: bool) -> list[Reply]:
        opened = [_opened(question) for question in questions]
        shown = [one for one in opened if not isinstance(one, Reply)]
        replies = iter(self._replies(shown, likelihood) if shown else [])
        return [one if isinstance(one, Reply) else next(replies) for one in opened]

    def _replies(self, batch: Sequence[Shown], likelihood: bool) -> list[Reply]:
        inputs = self.asked.inputs(batch)
        lengths: list[int] = inputs["attention_mask"].sum(dim=1).tolist()
        most = 1 if likelihood else self.decoding.generation.max_tokens
        room = most if self.decoding.context is None else self.decoding.context - max(lengths)
        if room < most and len(batch) > 1:  # how long one's reply may be must not depend on another's prompt
            return [reply for one in batch for reply in self._replies([one], likelihood)]
        if room < 1:
            return [Reply(None, FAILED, tokens_in=lengths[0], error=self._too_long(lengths[0]))]
        if likelihood:
            return self._scored([question for question, _ in batch], inputs, lengths)
        return [
            self._worded(tokens, length)
            for tokens, length in zip(self._tokens(batch, inputs, min(most, room)), lengths, strict=True)
        ]

    def _tokens(self, batch: Sequence[Shown], inputs: Mapping[str, torch.Tensor], most: int) -> list[list[int]]:
        generation = self.decoding.generation
        if not generation.temperature:
            return self.decoding.tokens(inputs, most)
        with torch.random.fork_rng(devices=[self.asked.device.place] if self.asked.device.is_gpu else []):
            torch.manual_seed(seed_of(batch[0][0], generation.seed))
            return self.decoding.tokens(inputs, most)

    def _worded(self, tokens: list[int], tokens_in: int) -> Reply:
        ended = self.decoding.is_ended(tokens)
        error = None if ended else f"the reply was cut at {len(tokens)} tokens"
        words = self.decoding.words(tokens)
        return Reply(words, OK if ended else TRUNCATED, tokens_in=tokens_in, tokens_out=len(tokens), error=error)

    def _scored(
        self, questions: Sequence[Question], inputs: Mapping[str, torch.Tensor], lengths: Sequence[int]
    ) -> list[Reply]:
        letters = [[self.decoding.letter_tokens(label) for label in question.letters] for question in questions]
        replies = []
        for row, options, length in zip(self.decoding.log_probabilities(inputs), letters, lengths, strict=True):
            scores = tuple(float(row[tokens].logsumexp(0)) for tokens in options)
            replies.append(Reply(None, scores=scores, tokens_in=length, tokens_out=0))
        return replies

    def _too_long(self, tokens: int) -> str:
        return f"the prompt takes {tokens:,} tokens, and the model's context ends at {self.decoding.context:,}"


def _alike(questions: Sequence[Question]) -> list[list[int]]:
    """Return the places of questions with an image, and of those without: a processor takes no batch of both."""
    places = range(len(questions))
    return [[place for place in places if (questions[place].image is None) == without] for without in (False, True)]


def _opened(question: Question) -> Shown | Reply:
    try:
        return question, None if question.image is None else decode(question.image)
    except ImageRefused as error:
        return Reply(None, FAILED, error=error.sentence)
