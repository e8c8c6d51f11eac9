"""Tiny real checkpoints: each kind's own model class, seeded random weights, the library's own files.

The weights are drawn wide, so that unlike pictures get unlike vectors: with a library's own small
initial weights every picture would get nearly the same one, and a wrong preprocessing would pass.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

CLIP_CONFIG: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1},
}
CLIP_PREPROCESSING = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28], "interpolation": "bicubic"}
TIMM_ARCHITECTURE = "vit_tiny_patch16_224"
TIMM_SIZES = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 3}


def built_once(build: Callable[..., Path]) -> Callable[..., Path]:
    """The first call with these settings builds the checkpoint; each call writes its files to the folder."""
    kept: dict[str, dict[str, bytes]] = {}

    @wraps(build)
    def written(folder: Path, **settings: Any) -> Path:
        asked = json.dumps(settings, sort_keys=True)
        if asked not in kept:
            with tempfile.TemporaryDirectory() as aside:
                build(Path(aside), **settings)
                kept[asked] = {path.name: path.read_bytes() for path in Path(aside).iterdir()}
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in kept[asked].items():
            (folder / name).write_bytes(data)
        return folder

    return written


@built_once
def open_clip_checkpoint(folder: Path, *, half: bool = False, config: dict[str, Any] | None = None) -> Path:
    """An open_clip folder: two layers, 32 x 32 pixels, vectors of 24 numbers."""
    from open_clip.model import CLIP

    config = config or CLIP_CONFIG
    _write(folder / "open_clip_config.json", {"model_cfg": config, "preprocess_cfg": CLIP_PREPROCESSING})
    return _save(CLIP(**config), folder / "open_clip_model.safetensors", half=half)


@built_once
def dinov2_checkpoint(folder: Path, *, registers: int = 0, half: bool = False, shards: bool = False) -> Path:
    """A DINOv2 folder, with register tokens if asked: pictures resized to 40, cropped to 32, vectors of 32 numbers."""
    import torch
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model
    from transformers import Dinov2WithRegistersConfig as WithRegistersConfig
    from transformers import Dinov2WithRegistersModel as WithRegisters

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    if registers:
        model = WithRegisters(WithRegistersConfig(**sizes, num_register_tokens=registers))
    else:
        model = Dinov2Model(Dinov2Config(**sizes))
    processor = BitImageProcessor(size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}, resample=3)
    processor.save_pretrained(folder)
    model = _drawn(model).to(torch.float16 if half else torch.float32)
    model.save_pretrained(folder, max_shard_size="60KB" if shards else "1GB")
    return folder


@built_once
def siglip_checkpoint(folder: Path) -> Path:
    """The image tower of SigLIP, which has no CLS token."""
    from transformers import SiglipImageProcessor, SiglipVisionConfig, SiglipVisionModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    _drawn(SiglipVisionModel(SiglipVisionConfig(**sizes, intermediate_size=48))).save_pretrained(folder)
    return folder


@built_once
def clip_vision_checkpoint(folder: Path) -> Path:
    """The image tower of CLIP in transformers' form: its activation is QuickGELU."""
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    _drawn(CLIPVisionModel(CLIPVisionConfig(**sizes, intermediate_size=48))).save_pretrained(folder)
    return folder


def mae_checkpoint(folder: Path) -> Path:
    """A masked autoencoder, which hides three quarters of the patches at random, another choice each time."""
    from transformers import ViTImageProcessor, ViTMAEConfig, ViTMAEModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    _drawn(ViTMAEModel(ViTMAEConfig(**sizes, intermediate_size=48))).save_pretrained(folder)
    return folder


@built_once
def timm_checkpoint(
    folder: Path,
    *,
    half: bool = False,
    architecture: str = TIMM_ARCHITECTURE,
    sizes: dict[str, Any] = TIMM_SIZES,
) -> Path:
    """A timm folder as the hub has them, with a classifier of seven classes that is not the feature."""
    import timm

    facts = {"input_size": [3, 32, 32], "crop_pct": 0.9, "interpolation": "bicubic", "classifier": "head"}
    means = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3], "num_classes": 7, "first_conv": "patch_embed.proj"}
    config = {"architecture": architecture, "num_classes": 7, "model_args": sizes}
    _write(folder / "config.json", {**config, "pretrained_cfg": facts | means})
    return _save(timm.create_model(architecture, num_classes=7, **sizes), folder / "model.safetensors", half)


def edited(path: Path, **changes: Any) -> None:
    """Change values of a JSON file."""
    _write(path, {**json.loads(path.read_bytes()), **changes})


def without_tensor(path: Path, name: str) -> None:
    """Take one tensor out of a safetensors file."""
    from safetensors.torch import load_file, save_file

    save_file({key: tensor for key, tensor in load_file(path).items() if key != name}, path, {"format": "pt"})


def _drawn(model: Any) -> Any:
    """The model with seeded weights, as wide as keeps activations in range."""
    import torch

    torch.manual_seed(7)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 2 / weight[0].numel() ** 0.5)
            else:
                weight.add_(torch.randn_like(weight) * 0.1)
    return model


def _save(model: Any, path: Path, half: bool) -> Path:
    from safetensors.torch import save_file

    tensors = {name: value.contiguous() for name, value in _drawn(model).state_dict().items()}
    save_file({name: value.half() if half else value for name, value in tensors.items()}, path, {"format": "pt"})
    return path.parent


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
