"""Checkpoints: find and check the files of a model that matches images and texts, before anything is loaded."""

from __future__ import annotations

from stages.models.encoders.weights import Weights
from stages.models.matching.settings import MatchingSettings


def weights_of(settings: MatchingSettings) -> Weights:
    """Find the weights, configuration, preprocessing and tokenizer of a model.

    Raises Refused if they are not available, are a pickle, or name other files to open.
    """
    raise NotImplementedError
