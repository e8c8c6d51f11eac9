"""Tokenizer files: what turns words into tokens beside a checkpoint's weights. They change what a model makes of words.

The names are those under which transformers 5.24 looks for the files of a tokenizer.
"""

from __future__ import annotations

from manifests.errors import Refused
from stages.models.encoders.weights import Weights

CONFIG = "tokenizer_config.json"
VOCABULARY = (
    *("tokenizer.json", "vocab.json", "vocab.txt"),
    *("tokenizer.model", "spiece.model", "sentencepiece.bpe.model"),
)
TOKENIZER = (*VOCABULARY, CONFIG, "special_tokens_map.json", "added_tokens.json", "merges.txt")


def check_tokenizer(found: Weights, called: str) -> None:
    """Raise Refused unless a vocabulary is among the files. `called`: the name of their folder in a refusal."""
    if not any(path.name in VOCABULARY for path in found.configs):
        raise Refused(f"{called} holds no {VOCABULARY[0]}, which turns words into tokens; fetch the checkpoint again")
