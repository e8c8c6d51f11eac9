"""Recipes of tiny real encoders, for parity checks of every kind there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from world.checkpoints import dinov2_checkpoint, open_clip_checkpoint, siglip_checkpoint, timm_checkpoint

from pipeline.config.settings import Config


def every_kind(folder: Path) -> dict[str, Any]:
    """Settings of an encoder of each kind and pooling, with their checkpoints below the folder."""
    registers = str(dinov2_checkpoint(folder / "registers", registers=4))
    dino = str(dinov2_checkpoint(folder / "dino"))
    return {
        "clip": {"kind": "open_clip", "model": f"local-dir:{open_clip_checkpoint(folder / 'clip')}"},
        "dino": {"kind": "transformers", "model": dino},
        "evaluated": {"kind": "transformers", "model": dino, "preprocessing": "torchvision"},
        "registers": {"kind": "transformers", "model": registers},
        "patches": {"kind": "transformers", "model": registers, "pooling": "mean_patch"},
        "siglip": {
            "kind": "transformers", "model": str(siglip_checkpoint(folder / "siglip")), "pooling": "mean_patch"
        },
        "timm": {"kind": "timm", "model": f"local-dir:{timm_checkpoint(folder / 'timm')}"},
        "colour": {"kind": "colour"},
        "structure": {"kind": "structure"},
    }  # fmt: skip


def config_of(encoders: dict[str, Any], blind: str, reference: str, **embed: Any) -> Config:
    """A recipe whose sources lie nowhere."""
    return Config.model_validate(
        {
            "run": "test",
            "images": {"sources": [{"name": "none", "kind": "folder", "uri": "none"}]},
            "embed": {"encoders": encoders, **embed},
            "search": {"blind": blind, "reference": reference},
        }
    )
