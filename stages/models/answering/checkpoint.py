"""Checkpoint: load a vision-language model of the transformers library, from the checked files alone.

It must be one that is shown images in the prompt of a language model, by a processor with a chat template.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from stages.base import Machine
from stages.models.answering.base import Generation
from stages.models.answering.batches import CheckpointModel
from stages.models.answering.conversations import conversations
from stages.models.answering.decoding import decoding
from stages.models.answering.settings import Checkpoint
from stages.models.encoders.allocation import Allocation
from stages.models.encoders.complete import check_complete
from stages.models.encoders.device import device_as_trained
from stages.models.encoders.plain_files import json_of
from stages.models.encoders.weights import Weights

BACKEND = "torchvision"  # of the two that prepare images, and whose pixels differ
CLASS = "AutoModelForImageTextToText"


def load(settings: Checkpoint, weights: Weights, generation: Generation, machine: Machine) -> CheckpointModel:
    """Load model and processor onto the device, from the checked files alone, and ask the model once."""
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # the evaluation's own progress is shown on that line
    device = device_as_trained(machine, settings.precision)
    _check_kind(json_of(weights.folder / "config.json", "config.json is gone"), settings.remote_code)
    # trust_remote_code: if unset, the library asks in the terminal whether to run the checkpoint's own code
    how = {"local_files_only": True, "trust_remote_code": settings.remote_code}
    with weights.alone() as folder, Allocation(weights):
        processor = AutoProcessor.from_pretrained(folder, backend=BACKEND, **how)
        model, loaded = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=device.dtype, use_safetensors=True, weights_only=True, output_loading_info=True, **how
        )
    check_complete(loaded["missing_keys"])
    asked = conversations(processor, device)
    model.to(device.place).eval()
    if device.is_gpu:
        torch.cuda.synchronize(device.place)  # a thread's stream does not wait for the one that copied the weights
    decoded = decoding(model, processor.tokenizer, generation)
    batch = settings.batch if device.batched and not generation.temperature else 1
    attention = getattr(model.config, "_attn_implementation", "its own")
    made = CheckpointModel(asked, decoded, batch, f"{device}, attention {attention}, batch {batch}")
    made.check()
    return made


def _check_kind(config: Mapping[str, Any], remote_code: bool) -> None:
    """Raise ValueError unless the configuration is that of a model that writes words about images."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    kind, code = config.get("model_type"), config.get("auto_map") or {}
    if kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES or (remote_code and CLASS in code):
        if config.get("is_encoder_decoder"):
            raise ValueError("it has an encoder and a decoder, which is not supported; name a decoder-only model")
        return
    if code and not remote_code and kind not in CONFIG_MAPPING_NAMES:
        raise ValueError("it needs Python code that comes with it; read it, and set remote_code: true if you trust it")
    raise ValueError(
        f"it is a {kind} model, which does not answer questions about images; name a vision-language model ({CLASS})"
    )
