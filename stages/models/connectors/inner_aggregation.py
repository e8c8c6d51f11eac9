"""Inner aggregation: image tokens attend to the encoders' features again, after some layers of the language model.

Source: cambrian-mllm/cambrian, language_model/cambrian_llama.py (CambrianLlamaModel.forward). It works on the
prompt, which has the features, and not on tokens that are decoded after it.
"""

from __future__ import annotations

import torch
from torch import nn

from manifests.errors import Refused
from stages.models.connectors.newline import join_newlines, split_newlines
from stages.models.connectors.sampler import Sampler
from stages.models.connectors.settings import SpatialAggregator
from stages.models.connectors.windows import Seen


class InnerAggregation(nn.Module):
    """`layers`: the decoder layers, counted from 0, after which tokens are aggregated.

    Parameters: vision_sampler_layers.j, a sampler of one layer whose queries have the language model's width. Raises
    Refused if the settings have no inner layers.
    """

    def __init__(self, settings: SpatialAggregator) -> None:
        super().__init__()
        if settings.inner is None:
            raise Refused("the connector's settings have no inner layers; set `inner`, or do not build them")
        self.layers, self._newline = settings.inner.indices, settings.newline
        self._side, self._tokens = settings.side, settings.tokens
        factors = [one.used_side // settings.side for one in settings.encoders]
        self.vision_sampler_layers = nn.ModuleList(
            Sampler(settings.language_width, settings.width, factors, depth=1, heads=settings.heads)
            for _ in self.layers
        )

    def forward(self, hidden: torch.Tensor, layer: int, seen: Seen, *, position: int) -> torch.Tensor:
        """Return hidden states, (B, L, language_width), after decoder layer `layer`, image tokens aggregated.

        The image's tokens start at `position` in every row. `hidden` itself comes back after other layers, and newlines
        never change. Raises Refused if the image's tokens do not lie within L.
        """
        if layer not in self.layers:
            return hidden
        end = position + self._tokens
        if position < 0 or end > hidden.shape[1]:
            raise Refused(
                f"the image's {self._tokens} tokens do not fit at position {position} of {hidden.shape[1]} hidden "
                "states; put the image first in the prompt, or allow longer prompts"
            )
        sampler = self.vision_sampler_layers[self.layers.index(layer)]
        return torch.cat(
            (hidden[:, :position], self._aggregated(hidden[:, position:end], sampler, seen), hidden[:, end:]), 1
        )

    def _aggregated(self, tokens: torch.Tensor, sampler: nn.Module, seen: Seen) -> torch.Tensor:
        if not self._newline:
            aggregated: torch.Tensor = sampler(tokens, seen)
            return aggregated
        image, newlines = split_newlines(tokens, self._side)
        return join_newlines(sampler(image, seen), newlines)
