"""QuickGELU: on a GPU one kernel computes every one of them, on a CPU none, and no run ends for want of it.

A card that does not exist is a CPU that says it is one.
"""

from __future__ import annotations

import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from world.checkpoints import (
    CLIP_CONFIG,
    TIMM_SIZES,
    clip_vision_checkpoint,
    dinov2_checkpoint,
    open_clip_checkpoint,
    timm_checkpoint,
)

from stages.base import Machine
from stages.models.encoders import quick_gelu_kernel
from stages.models.encoders.base import Encoder, load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.device import Device
from stages.models.encoders.settings import OpenClip, Timm, Transformers

CPU = torch.device("cpu")


class Kernel:
    """In place of the kernel: the same numbers by torch, and how often it was called."""

    def __init__(self, wrong: float = 0.0) -> None:
        self.calls, self._wrong = 0, wrong

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        wide = x.float()
        return (wide * torch.sigmoid(1.702 * wide)).to(x.dtype) + self._wrong


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every device says that it is a GPU, and computes on the CPU."""
    monkeypatch.setattr(Device, "is_gpu", property(lambda device: True))
    monkeypatch.setattr(Device, "_stream", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda place: "Card")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda place: None)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(quick_gelu_kernel, "quick_gelu", made)
    return made


def with_quick_gelu(kind: str, folder: Path) -> Any:
    """A network of two layers, each with one QuickGELU."""
    if kind == "open_clip":
        path = open_clip_checkpoint(folder, config={**CLIP_CONFIG, "quick_gelu": True})
        return OpenClip(kind="open_clip", model=f"local-dir:{path}")
    if kind == "transformers":
        return Transformers(kind="transformers", model=str(clip_vision_checkpoint(folder)))
    return Timm(
        kind="timm", model=f"local-dir:{timm_checkpoint(folder, sizes={**TIMM_SIZES, 'act_layer': 'quick_gelu'})}"
    )


def loaded(settings: Any, device: Device, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    monkeypatch.setattr("stages.models.encoders.device.device_of", lambda machine, precision: device)
    return load(settings, weights_of(settings), Machine())


def encoded(encoder: Encoder) -> np.ndarray:
    dice = np.random.default_rng(1)
    pictures = [Image.fromarray(dice.integers(0, 256, (40, 50, 3), dtype=np.uint8)) for _ in range(3)]
    return encoder.encode([encoder.prepare(picture) for picture in pictures])


@pytest.mark.parametrize("kind", ["open_clip", "transformers", "timm"])
def test_on_a_gpu_the_kernel_computes_every_one_and_the_shard_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: None, kernel: Kernel, kind: str
) -> None:
    encoder = loaded(with_quick_gelu(kind, tmp_path), Device(CPU, batched=True), monkeypatch)
    kernel.calls = 0
    encoded(encoder)
    assert kernel.calls == 2
    assert encoder.computed == "float32 on Card, QuickGELU fused"


@pytest.mark.parametrize("kind", ["open_clip", "transformers", "timm"])
def test_in_16_bits_the_fused_network_is_no_further_from_float32_than_the_librarys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: None, kernel: Kernel, kind: str
) -> None:
    settings, half = with_quick_gelu(kind, tmp_path), Device(CPU, torch.bfloat16, batched=True)
    fused = encoded(loaded(settings, half, monkeypatch))
    monkeypatch.setattr(Device, "is_gpu", False)
    eager, wide = (encoded(loaded(settings, device, monkeypatch)) for device in (half, Device(CPU)))
    assert not np.array_equal(fused, eager)
    assert furthest(fused, wide) <= furthest(eager, wide) + 1e-3


def furthest(one: np.ndarray, other: np.ndarray) -> float:
    """The largest 1 - cosine of rows that should be the same."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    return float((1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).max())


@pytest.mark.parametrize("kind", ["open_clip", "transformers", "timm"])
def test_on_a_cpu_none_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: Kernel, kind: str) -> None:
    encoder = loaded(with_quick_gelu(kind, tmp_path), Device(CPU), monkeypatch)
    encoded(encoder)
    assert kernel.calls == 0
    assert encoder.computed == "float32 on CPU"


def test_a_network_without_it_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: None, kernel: Kernel
) -> None:
    settings = Transformers(kind="transformers", model=str(dinov2_checkpoint(tmp_path)))
    assert loaded(settings, Device(CPU), monkeypatch).computed == "float32 on Card"
    assert kernel.calls == 0


def test_a_compiled_network_is_left_to_its_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: None, kernel: Kernel
) -> None:
    monkeypatch.setattr(torch, "compile", lambda features, **settings: features)
    settings = with_quick_gelu("open_clip", tmp_path)
    assert loaded(settings, Device(CPU, compiled=True), monkeypatch).computed == "float32 on Card, compiled"
    assert kernel.calls == 0


@pytest.mark.parametrize("cause", ["no driver", "no Triton", "wrong numbers"])
def test_where_the_kernel_does_not_work_the_run_goes_on_with_torchs_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: None, caplog: pytest.LogCaptureFixture, cause: str
) -> None:
    if cause == "no Triton":
        monkeypatch.setitem(sys.modules, "stages.models.encoders.quick_gelu_kernel", None)
    if cause == "wrong numbers":
        monkeypatch.setattr(quick_gelu_kernel, "quick_gelu", Kernel(wrong=0.1))
    settings = with_quick_gelu("open_clip", tmp_path)
    with caplog.at_level(logging.WARNING):
        encoder = loaded(settings, Device(CPU), monkeypatch)
    found = encoded(encoder)
    [said] = [record.getMessage() for record in caplog.records if "QuickGELU" in record.getMessage()]
    assert said.startswith("QuickGELU is not fused on cpu; OpenAI's CLIP is slower for it, and the run goes on: ")
    assert encoder.computed == "float32 on Card"
    monkeypatch.setattr(Device, "is_gpu", False)
    assert np.array_equal(found, encoded(loaded(settings, Device(CPU), monkeypatch)))
