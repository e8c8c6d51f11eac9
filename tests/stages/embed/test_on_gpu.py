"""On a GPU: vectors stay within what the README states, whatever the batch, and memory that ends is backed off from.

Skips, with a reason, where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from world.checkpoints import CLIP_CONFIG, dinov2_checkpoint, open_clip_checkpoint

from stages.base import Machine
from stages.embed.computing import Within, warmed
from stages.models.encoders.base import Encoder, load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.settings import OpenClip, Transformers

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
CUDA = Machine(device="cuda:0")
OTHER_BATCH = {"float16": 1e-4, "bfloat16": 1e-3, "float32": 1e-6}  # 1 - cosine, as the README states


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("checkpoints")
    quick = open_clip_checkpoint(folder / "quick", config={**CLIP_CONFIG, "quick_gelu": True})
    return {
        "clip": OpenClip(kind="open_clip", model=f"local-dir:{open_clip_checkpoint(folder / 'clip')}"),
        "quick": OpenClip(kind="open_clip", model=f"local-dir:{quick}"),
        "dino": Transformers(kind="transformers", model=str(dinov2_checkpoint(folder / "dino"))),
    }


@pytest.fixture(params=["clip", "quick", "dino"])
def chosen(request: pytest.FixtureRequest, settings: dict[str, Any]) -> Any:
    return settings[request.param]


def on(machine: Machine, chosen: Any, precision: Any = "auto") -> Encoder:
    return load(chosen, weights_of(chosen), machine, precision)


def pictures(encoder: Encoder, count: int) -> list[Any]:
    dice = np.random.default_rng(5)
    drawn = [Image.fromarray(dice.integers(0, 256, (40, 50, 3), dtype=np.uint8)) for _ in range(count)]
    return [encoder.prepare(one) for one in drawn]


def furthest(one: np.ndarray, other: np.ndarray) -> float:
    """The largest 1 - cosine of rows that should be the same."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    return float((1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).max())


def test_auto_is_within_the_tolerance_of_float32_on_the_cpu(chosen: Any) -> None:
    gpu, cpu = on(CUDA, chosen), on(Machine(), chosen)
    batch = pictures(cpu, 50)
    assert gpu.computed.startswith("float16 on ")
    assert furthest(gpu.encode(batch), cpu.encode(batch)) <= 5e-4


def test_float32_is_float32(chosen: Any) -> None:
    gpu, cpu = on(CUDA, chosen, "float32"), on(Machine(), chosen)
    batch = pictures(cpu, 50)
    assert furthest(gpu.encode(batch), cpu.encode(batch)) <= 1e-5


def test_quick_gelu_is_fused(settings: dict[str, Any]) -> None:
    assert on(CUDA, settings["quick"]).computed.endswith(", QuickGELU fused")
    assert "fused" not in on(CUDA, settings["clip"]).computed


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_its_kernel_is_as_near_to_float64_as_its_type_allows(kind: torch.dtype) -> None:
    from stages.models.encoders.quick_gelu_kernel import quick_gelu

    x = torch.linspace(-60, 60, 1_000_003, device="cuda").to(kind)
    truth = x.double() * torch.sigmoid(1.702 * x.double())
    rounding = max(0.501 * torch.finfo(kind).eps, 2.0**-24 * 250)  # the exponent's own grows with it, up to 102
    assert ((quick_gelu(x).double() - truth).abs() <= rounding * truth.abs() + torch.finfo(kind).tiny).all()


@pytest.mark.parametrize("precision", OTHER_BATCH)
def test_another_batch_size_moves_a_vector_no_further_than_stated(chosen: Any, precision: Any) -> None:
    encoder = on(CUDA, chosen, precision)
    batch = pictures(encoder, 100)
    by_64, by_7 = (Within(encoder, size).encode(batch) for size in (64, 7))
    assert furthest(by_64, by_7) <= OTHER_BATCH[precision]


def test_the_same_batch_size_moves_no_bit_whatever_the_number_of_images(chosen: Any) -> None:
    within = warmed(Within(on(CUDA, chosen), 16))
    batch = pictures(within.encoder, 40)
    assert np.array_equal(within.encode(batch)[32:], within.encode(batch[32:]))


@pytest.fixture
def small_card() -> Iterator[None]:
    """The GPU with so little memory that a batch of thousands does not fit."""
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + (96 << 20)) / whole)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def test_memory_of_the_card_that_runs_out_is_backed_off_from(chosen: Any, small_card: None) -> None:
    told: list[int] = []
    encoder = on(CUDA, chosen, "float32")
    batch = pictures(encoder, 64) * 128
    found = Within(encoder, len(batch), told.append).encode(batch)
    assert told
    assert furthest(found[:64], Within(encoder, 64).encode(batch[:64])) <= OTHER_BATCH["float32"]
