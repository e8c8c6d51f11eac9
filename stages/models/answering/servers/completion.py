"""Completion: what a server's completion says: words, the options' log-probabilities, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

from manifests.errors import Refused
from manifests.evaluation_tables import REFUSED, TRUNCATED
from manifests.parsing import parse_json
from manifests.tables import OK
from stages.models.answering.base import Question, Reply
from stages.models.answering.servers.failures import Transient
from stages.models.answering.servers.request import ANSWER
from stages.models.chat_protocol import error_message, quoted, text_of

SPACES = " \t\r\n▁Ġ"  # also as tokenizers write them
MOST_TOKENS = 1 << 40  # no reply has so many; a table holds them as int64
AROUND = "().:"  # what may stand around a letter, within one token
NO_LIKELIHOOD = "the server gives no log-probabilities of tokens, so the options have no likelihood; set answer: text"


@dataclass(frozen=True)
class Completion:
    """The first choice of a completion, and its tokens."""

    choice: Mapping[str, Any]
    usage: Mapping[str, Any]

    @property
    def finish_reason(self) -> Any:
        return self.choice.get("finish_reason")

    @property
    def message(self) -> Mapping[str, Any]:
        return self.choice["message"]

    def reply(self, question: Question, *, likelihood: bool, unwrapped: bool) -> Reply:
        """Return the reply. `unwrapped`: the words are JSON with an option's letter, which alone is the response.

        Raises Transient if there are no words, Refused if likelihoods are wanted and not given.
        """
        if (refusal := self._refusal()) is not None:
            return self._reply(text_of(self.message), REFUSED, error=refusal)
        if likelihood:
            return self._reply(None, scores=self._scores(question.letters))
        text = text_of(self.message)
        if self.finish_reason == "length":
            return self._reply(text or "", TRUNCATED, error=f"the reply was cut at {self._tokens_out()} tokens")
        if text is None or not text.strip():
            raise Transient("its reply has no words", settled=None if text is None else self._reply(text))
        return self._reply(_letter(text) if unwrapped else text)

    def _refusal(self) -> str | None:
        if said := self.message.get("refusal"):
            return quoted("the model refused", str(said), None)
        return "the server's content filter stopped the reply" if self.finish_reason == "content_filter" else None

    def _reply(self, text: str | None, status: str = OK, **more: Any) -> Reply:
        tokens_in, tokens_out = (_count(self.usage.get(f"{name}_tokens")) for name in ("prompt", "completion"))
        return Reply(text, status, tokens_in=tokens_in, tokens_out=tokens_out, **more)

    def _tokens_out(self) -> str:
        count = _count(self.usage.get("completion_tokens"))
        return "max_tokens" if count is None else f"{count:,}"

    def _scores(self, letters: Sequence[str]) -> tuple[float, ...]:
        tokens = list(_alternatives(self.choice))
        if not tokens:
            raise Refused(NO_LIKELIHOOD)
        return tuple(_log_sum(value for token, value in tokens if _names(token, label)) for label in letters)


def completion_of(body: bytes) -> Completion:
    """Parse a body of status 200. Raises Transient if it is no completion with a choice, or reports an error."""
    try:
        value = parse_json(body)
        choice = value["choices"][0]
        sound = isinstance(choice["message"], dict)
    except (ValueError, KeyError, IndexError, TypeError):
        raise Transient(f"it sent no completion: {error_message(body)}") from None
    if not sound or choice.get("finish_reason") == "error":
        raise Transient(f"it sent no completion: {error_message(body)}")
    usage = value.get("usage")
    return Completion(choice, usage if isinstance(usage, dict) else {})


def _letter(text: str) -> str:
    """Return the letter in `{"answer": letter}`; the text itself if it is not of that form."""
    try:
        letter = parse_json(text)[ANSWER]
    except (ValueError, KeyError, TypeError):
        return text
    return letter if isinstance(letter, str) else text


def _alternatives(choice: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield (token, log-probability) of each alternative for the first token of a reply."""
    try:
        for one in choice["logprobs"]["content"][0]["top_logprobs"]:
            if isinstance(one["token"], str) and (value := float(one["logprob"])) <= 0:
                yield one["token"], value
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return


def _names(token: str, label: str) -> bool:
    """Return whether a token names an option: "A", " A", "(a" and "a)" do; a word does in any case of letters.

    A single letter counts in its own case alone: "a" may begin "a door" where the options are A and B.
    """
    found, letter = token.strip(SPACES).strip(AROUND), label.strip(AROUND)
    return found == letter if len(letter) == 1 else found.lower() == letter.lower()


def _log_sum(values: Iterator[float]) -> float:
    """Return the logarithm of the sum of probabilities that are given as logarithms; -inf of none."""
    total = sum(exp(value) for value in values)
    return log(total) if total > 0 else -inf


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_TOKENS else None
