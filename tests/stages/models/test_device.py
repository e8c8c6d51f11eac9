"""Device: precision is what the device has instructions for, and refused where it has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from world.checkpoints import dinov2_checkpoint, open_clip_checkpoint, timm_checkpoint

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.base import Encoder, load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.device import Device, device_of
from stages.models.encoders.settings import OpenClip, Timm, Transformers

GPU = Machine(device="cuda:0")


def picture(seed: int) -> Image.Image:
    dice = np.random.default_rng(seed)
    return Image.fromarray(dice.integers(0, 256, (40, 50, 3), dtype=np.uint8))


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says which compute capability every GPU has."""
    return lambda *capability: monkeypatch.setattr(torch.cuda, "get_device_capability", lambda place: capability)


@pytest.mark.parametrize(
    ("capability", "wanted"),
    [((9, 0), torch.float16), ((8, 0), torch.float16), ((7, 5), torch.float16), ((6, 1), torch.float32)],
)
def test_auto_takes_what_the_card_multiplies_fast(card: Any, capability: tuple[int, int], wanted: torch.dtype) -> None:
    card(*capability)
    device = device_of(GPU, "auto")
    assert (device.dtype, device.batched, device.is_gpu) == (wanted, True, True)


def test_a_card_without_the_type_refuses_it_and_names_those_it_has(card: Any) -> None:
    card(7, 5)
    with pytest.raises(Refused, match=r"bfloat16: this CUDA has no instructions .* choose auto, float16 or float32"):
        device_of(GPU, "bfloat16")


def test_a_type_that_is_asked_for_is_taken(card: Any) -> None:
    card(8, 0)
    assert [device_of(GPU, name).dtype for name in ("bfloat16", "float32")] == [torch.bfloat16, torch.float32]


def with_units(monkeypatch: pytest.MonkeyPatch, *units: str) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(units, True), raising=False)


def test_auto_on_a_cpu_is_float32_whatever_it_could_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with_units(monkeypatch, "avx512_bf16")
    assert device_of(Machine(), "auto") == Device(torch.device("cpu"))


def test_a_cpu_refuses_halves_it_has_no_instructions_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with_units(monkeypatch, "avx512_bf16")
    assert device_of(Machine(), "bfloat16").dtype == torch.bfloat16
    with pytest.raises(Refused, match="float16: this CPU has no instructions for it"):
        device_of(Machine(), "float16")
    with_units(monkeypatch)
    with pytest.raises(Refused, match="choose auto or float32"):
        device_of(Machine(), "bfloat16")


def test_it_says_how_finely_and_on_what() -> None:
    assert str(Device(torch.device("cpu"))) == "float32 on CPU"
    assert str(Device(torch.device("cpu"), torch.bfloat16, compiled=True)) == "bfloat16 on CPU, compiled"


def encoders(folder: Path) -> dict[str, Any]:
    return {
        "open_clip": OpenClip(kind="open_clip", model=f"local-dir:{open_clip_checkpoint(folder / 'clip')}"),
        "dinov2": Transformers(kind="transformers", model=str(dinov2_checkpoint(folder / "dino"))),
        "timm": Timm(kind="timm", model=f"local-dir:{timm_checkpoint(folder / 'timm')}"),
    }


def loaded(settings: Any, device: Device, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    monkeypatch.setattr("stages.models.encoders.device.device_of", lambda machine, precision: device)
    return load(settings, weights_of(settings), Machine())


@pytest.mark.parametrize("kind", ["open_clip", "dinov2", "timm"])
def test_images_together_as_on_a_gpu_give_the_vectors_of_one_by_one(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, cpu = encoders(tmp_path)[kind], torch.device("cpu")
    alone, together = (loaded(settings, Device(cpu, batched=how), monkeypatch) for how in (False, True))
    batch = [alone.prepare(picture(seed)) for seed in range(7)]
    assert np.abs(alone.encode(batch) - together.encode(batch)).max() < 1e-5 * np.abs(alone.encode(batch)).max()


@pytest.mark.parametrize("kind", ["open_clip", "dinov2", "timm"])
def test_one_by_one_no_bit_depends_on_the_other_images(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = loaded(encoders(tmp_path)[kind], Device(torch.device("cpu")), monkeypatch)
    batch = [encoder.prepare(picture(seed)) for seed in range(7)]
    whole = encoder.encode(batch)
    assert np.array_equal(whole[2:5], encoder.encode(batch[2:5]))
    assert np.array_equal(whole[::-1], encoder.encode(batch[::-1]))


@pytest.mark.parametrize("kind", ["open_clip", "dinov2", "timm"])
def test_halves_compute_in_16_bits_and_answer_in_32(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this CPU has: on tiny networks even emulated halves are quick."""
    settings, cpu = encoders(tmp_path)[kind], torch.device("cpu")
    fine, coarse = (loaded(settings, Device(cpu, dtype), monkeypatch) for dtype in (torch.float32, torch.bfloat16))
    batch = [fine.prepare(picture(seed)) for seed in range(5)]
    one, other = fine.encode(batch), coarse.encode(batch)
    assert other.dtype == np.float32
    cosines = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert 1e-7 < (1 - cosines).max() < 0.01


def test_attention_is_fused_by_torch_in_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the scaled dot product, or by the native attention that chooses it on a GPU: never product by product."""
    calls: list[str] = []

    def counted(home: Any, name: str) -> None:
        own = getattr(home, name)
        monkeypatch.setattr(home, name, lambda *a, **k: (calls.append(name), own(*a, **k))[1])

    counted(torch.nn.functional, "scaled_dot_product_attention")
    counted(torch, "_native_multi_head_attention")
    for kind, settings in encoders(tmp_path).items():
        encoder = loaded(settings, Device(torch.device("cpu")), monkeypatch)
        calls.clear()
        encoder.encode([encoder.prepare(picture(0))])
        assert len(calls) == 2, kind  # one for each layer


@pytest.mark.slow
def test_a_compiled_network_gives_the_same_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import config

    monkeypatch.setattr(config, "compile_threads", 1)  # more are processes, each of which loads torch
    settings, cpu = encoders(tmp_path)["dinov2"], torch.device("cpu")
    plain, compiled = (loaded(settings, Device(cpu, compiled=how), monkeypatch) for how in (False, True))
    batch = [plain.prepare(picture(seed)) for seed in range(3)]
    assert compiled.computed == "float32 on CPU, compiled"
    assert np.abs(plain.encode(batch) - compiled.encode(batch)).max() < 1e-5 * np.abs(plain.encode(batch)).max()
