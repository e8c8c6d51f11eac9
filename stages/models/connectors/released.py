"""Released: load a connector's weights from a checkpoint of LLaVA, MMVP or Cambrian-1.

Our parameters have the names of those checkpoints, without the prefix `model.` that theirs have. A checkpoint may hold
the language model and encoders too, or the connector alone (mm_projector.bin).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from manifests.errors import Refused

PREFIX = "model."
ROOTS = ("mm_projector", "dino_mm_projector", "vision_sampler_", "vision_query", "image_newline")


def load_released(weights: Mapping[str, torch.Tensor], *modules: nn.Module) -> None:
    """Load weights into a connector, and into its InnerAggregation if it has one.

    Raises Refused, before anything is changed, if a weight is missing, is left over, or has another shape.
    """
    found = {name.removeprefix(PREFIX): one for name, one in weights.items()}
    found = {name: one for name, one in found.items() if name.startswith(ROOTS)}
    wanted = {name: one for module in modules for name, one in module.state_dict().items()}
    _check(found, wanted)
    for module in modules:
        module.load_state_dict({name: found[name] for name in module.state_dict()})


def _check(found: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> None:
    for what, names in (("lacks", wanted.keys() - found.keys()), ("also has", found.keys() - wanted.keys())):
        if names:
            first = min(names)
            raise Refused(
                f"the checkpoint {what} {len(names)} of the connector's weights, such as {first}; set the connector's "
                "kind, encoders and depth to those of the checkpoint"
            )
    for name, one in wanted.items():
        if found[name].shape != one.shape:
            raise Refused(
                f"{name} has shape {tuple(found[name].shape)} in the checkpoint, {tuple(one.shape)} in the settings; "
                "set the connector's widths and sides to those of the checkpoint"
            )
