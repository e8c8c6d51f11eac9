"""Decoding: a model's next tokens, and what they say: words, or how probable each option is.

Of a checkpoint's generation_config.json, only the tokens that end a reply are used. With temperature 0 each
token is the most probable one; above 0 it is drawn from all tokens, without top-k or top-p.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from manifests.errors import Refused
from stages.models.answering.base import Generation

Inputs = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Decoding:
    """A model with its tokenizer. `ends`: the tokens that end a reply. `context`: the most tokens, prompt and reply."""

    model: Any
    tokenizer: Any
    generation: Generation
    ends: tuple[int, ...]
    context: int | None

    def tokens(self, inputs: Inputs, most: int) -> list[list[int]]:
        """Return at most `most` new tokens for each row, up to and with the one that ends the reply."""
        out = self.model.generate(**inputs, generation_config=self._config(most, self.generation.temperature))
        return [self._until_end(row) for row in out[:, inputs["input_ids"].shape[1] :].tolist()]

    def log_probabilities(self, inputs: Inputs) -> torch.Tensor:
        """Return log-probabilities (n, vocabulary), float32, of the first token of the reply to each row.

        Raises Refused if some are not numbers, as where float16 overflows.
        """
        config = self._config(1, 0.0)
        config.output_logits = config.return_dict_in_generate = True
        out = self.model.generate(**inputs, generation_config=config)  # computes the last position alone
        logits = out.logits[0].float()
        if bool(logits.isnan().any()):
            raise Refused(
                "the model's output is not all numbers in this precision; set precision to bfloat16 or float32"
            )
        return logits.log_softmax(-1)

    def is_ended(self, tokens: Sequence[int]) -> bool:
        return bool(tokens) and tokens[-1] in self.ends

    def words(self, tokens: Sequence[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def letter_tokens(self, label: str) -> list[int]:
        """Return the tokens that are this label's bare letter, with a space before it or without.

        The letter of "(a)" is a. Raises Refused if no single token is the letter.
        """
        letter = label.strip("().")
        encoded = [self.tokenizer.encode(text, add_special_tokens=False) for text in (letter, f" {letter}")]
        named = self.tokenizer.convert_tokens_to_ids(letter)  # some tokenizers add a space to every text
        found = {tokens[0] for tokens in encoded if len(tokens) == 1} | ({named} - {None})
        found = {token for token in found if self.words([token]).strip() == letter}
        if not found:
            raise Refused(f"{label} is not a single token of this model, so it has no likelihood; set answer: text")
        return sorted(found)

    def _config(self, most: int, temperature: float) -> Any:
        config = copy.deepcopy(self.model.generation_config)
        config.max_new_tokens = most
        if temperature > 0:  # the library's own top_k is 50
            config.do_sample, config.temperature, config.top_k, config.top_p = True, temperature, 0, 1.0
        return config

    def _until_end(self, tokens: list[int]) -> list[int]:
        end = next((place for place, token in enumerate(tokens) if token in self.ends), len(tokens))
        return tokens[: end + 1]


def decoding(model: Any, tokenizer: Any, generation: Generation) -> Decoding:
    """Return how a model is decoded; its own settings are replaced. Raises ValueError without an end token."""
    from transformers import GenerationConfig

    own, text = model.generation_config, model.config.get_text_config()
    end = next((one for one in (own.eos_token_id, text.eos_token_id, tokenizer.eos_token_id) if one is not None), None)
    if end is None:
        raise ValueError("no token ends its replies (eos_token_id); add one to its generation_config.json")
    ends = tuple(end) if isinstance(end, (list, tuple)) else (int(end),)
    pad = ends[0] if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    model.generation_config = GenerationConfig(eos_token_id=list(ends), pad_token_id=pad)
    return Decoding(model, tokenizer, generation, ends, getattr(text, "max_position_embeddings", None))
