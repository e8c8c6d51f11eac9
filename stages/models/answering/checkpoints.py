"""Checkpoints: find and check the files of a model that answers, before anything is loaded."""

from __future__ import annotations

from stages.models.answering.settings import Checkpoint
from stages.models.encoders.weights import Weights


def weights_of(settings: Checkpoint) -> Weights:
    """Find the weights, configuration, tokenizer and processor of a model.

    Raises Refused if they are not available, are a pickle, or name other files to open.
    """
    raise NotImplementedError
