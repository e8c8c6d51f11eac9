"""QuickGELU on a GPU, by torch and fused: CLIP's forward passes, and the activation alone. Says if there is no GPU.

By turns, medians; weights are seeded, for time does not depend on them. Part of `make bench-embed-gpu`; alone:

    python -m tests.benchmarks.quick_gelu [--precision float16] [--batch 256] [--rounds 9]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.benchmarks.parity_large import BUILDERS, GAIN

CALLS = 5  # timed together
INNER = 257, 4096  # tokens of an image, and what an MLP of ViT-L/14 has for each


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--precision", default="float16")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("skipped: QuickGELU by torch, QuickGELU fused - this machine has no GPU")
        return
    with tempfile.TemporaryDirectory() as folder:
        clip = BUILDERS["clip-l-224"](Path(folder), GAIN)
        tell(times(clip, asked.precision, batch=asked.batch, rounds=asked.rounds))


def tell(found: dict[str, Any]) -> None:
    print(found["computed"])
    for what in ("CLIP", "QuickGELU alone"):
        plain, fused = found[what]
        print(
            f"{what:<28} {plain:8.4f} ms an image with torch's QuickGELU, {fused:.4f} fused: {fused / plain - 1:+.1%}"
        )
    print(f"cosine of a vector of the one to that of the other: {found['cosine']:.7f} at least")


def times(
    settings: dict[str, Any], precision: str, *, batch: int, rounds: int, device: str = "cuda:0"
) -> dict[str, Any]:
    """Milliseconds an image, by torch and fused: of the whole of CLIP, of its activation alone.

    With what the fused one was `computed` in: if that does not say fused, both are torch's.
    """
    import torch

    fused = _loaded(settings, precision, device)
    with patch("stages.models.encoders.network.fuse", lambda model, device: False):
        plain = _loaded(settings, precision, device)
    place, kind = fused._device.place, fused._device.dtype
    images = torch.randn(batch, 3, 224, 224, device=place).to(kind)
    inner = torch.randn(batch, *INNER, device=place).to(kind)
    with fused._device.computing():
        one, other = (network._features(images).double() for network in (plain, fused))
        alone = (_by_torch, _kernel() if "fused" in fused.computed else _by_torch)
        return {
            "computed": fused.computed,
            "CLIP": _by_turns([lambda: plain._features(images), lambda: fused._features(images)], rounds, batch),
            "QuickGELU alone": _by_turns([lambda one=one: one(inner) for one in alone], rounds, batch),
            "cosine": float(torch.cosine_similarity(one, other).min()),
        }


def _loaded(settings: dict[str, Any], precision: str, device: str) -> Any:
    from stages.base import Machine
    from stages.models.encoders.base import load
    from stages.models.encoders.checkpoints import weights_of
    from stages.models.encoders.settings import OpenClip

    chosen = OpenClip.model_validate(settings)
    return load(chosen, weights_of(chosen), Machine(device=device), precision)


def _by_torch(x: Any) -> Any:
    return x * (1.702 * x).sigmoid()


def _kernel() -> Callable[[Any], Any]:
    from stages.models.encoders.quick_gelu_kernel import quick_gelu

    return quick_gelu


def _by_turns(ways: list[Callable[[], Any]], rounds: int, images: int) -> list[float]:
    found: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()
    for _ in range(rounds):
        for way, each in zip(ways, found, strict=True):
            each.append(_seconds(way) / CALLS / images * 1e3)
    return [statistics.median(each) for each in found]


def _seconds(way: Callable[[], Any]) -> float:
    import torch

    _wait(torch)
    began = time.perf_counter()
    for _ in range(CALLS):
        way()
    _wait(torch)
    return time.perf_counter() - began


def _wait(torch: Any) -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
