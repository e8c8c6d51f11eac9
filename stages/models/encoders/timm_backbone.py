"""timm's backbones: pooled features before any classifier, with the preprocessing of the model's configuration."""

from __future__ import annotations

from stages.models.encoders.allocation import Allocation
from stages.models.encoders.checkpoints import LOCAL
from stages.models.encoders.device import Device
from stages.models.encoders.network import Network
from stages.models.encoders.pixels import of_transform
from stages.models.encoders.settings import Timm
from stages.models.encoders.weights import Weights


def load(settings: Timm, found: Weights, device: Device) -> Network:
    """Load the backbone onto the device, from exactly the file that was found."""
    import timm

    with found.alone() as folder, Allocation(found):
        # with its own classifier first: if none is requested, timm also accepts any other missing weights
        model = timm.create_model(f"{LOCAL}{folder}", pretrained=True)
    model.reset_classifier(0)
    facts = timm.data.resolve_model_data_config(model)
    return Network(model, model, of_transform(timm.data.create_transform(**facts, is_training=False)), device)
