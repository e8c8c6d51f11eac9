"""Base: the protocol of connectors, and the one place that maps each kind to its module.

A kind's module has `build(settings) -> Connector`. To add a kind, write a settings class, a module, and a line in
MODULES. Parameters have the names of the released checkpoints (released.py loads them).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

import torch

from stages.models.connectors.settings import ConnectorSettings

MODULES = {
    "linear": "stages.models.connectors.linear",
    "mlp": "stages.models.connectors.mlp",
    "additive": "stages.models.connectors.additive",
    "interleaved": "stages.models.connectors.interleaved",
    "concatenated": "stages.models.connectors.concatenated",
    "spatial_aggregator": "stages.models.connectors.spatial_aggregator",
}


class Connector(Protocol):
    """A torch module that maps vision features to tokens of a language model. `tokens`: how many for each image."""

    tokens: int

    def __call__(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Map features, one (B, N_k, D_k) of each encoder k, to (B, tokens, language_width), of the same dtype.

        The N_k tokens are a square grid, row by row. Raises Refused if features do not fit the settings.
        """
        ...


def build(settings: ConnectorSettings) -> Connector:
    """Build a connector with random weights; on the device that torch is set to, which may be meta."""
    connector: Connector = import_module(MODULES[settings.kind]).build(settings)
    return connector
