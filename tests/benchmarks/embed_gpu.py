"""The embed step on a GPU, CLIP ViT-L/14 and DINOv2 ViT-L/14 together: `make bench-embed-gpu`. Says what it skipped.

Images a second of the ways of embed_ways.py, as a share of the card's own matrix rate (measured here, 8192 x 8192),
how much of the time the card was idle while our step ran, and how many images a second its cores can decode and
prepare: what is least is the limit. Then CLIP with torch's QuickGELU and with the fused one (quick_gelu.py). Weights
are seeded, for time does not depend on them.

    python -m tests.benchmarks.embed_gpu [--photos DIR] [--images 8192] [--precision bfloat16] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks import quick_gelu
from tests.benchmarks.embed_rate import BESIDE, LIMIT, OURS, compare, measured, photos_of
from tests.benchmarks.embed_time import where_time_goes
from tests.benchmarks.embed_ways import GPU_BATCH, Work
from tests.benchmarks.parity_large import BUILDERS, GAIN

WAYS = (LIMIT, OURS, "our step, two passes", "DataLoader loop", "clip-retrieval's way")
SHARES = {"of the bare loop": 0.90, "of the matrix rate": 0.45}  # what is aimed at


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, default=BESIDE / "photos" / "imagenet")
    parser.add_argument("--images", type=int, default=8192)
    parser.add_argument("--size", default="500x375")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("bench-embed/embed-gpu.json"))
    asked = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print(f"skipped: {', '.join(WAYS)}, matrix rate, idle share, QuickGELU - this machine has no GPU")
        return
    with tempfile.TemporaryDirectory() as folder:
        _measure(asked, Path(folder), torch)


def _measure(asked: argparse.Namespace, folder: Path, torch: Any) -> None:
    encoders = {}
    for name, kind in (("clip", "clip-l-224"), ("dino", "dinov2-l-224")):
        (folder / name).mkdir()
        encoders[name] = BUILDERS[kind](folder / name, GAIN)
    photos = photos_of(asked.photos, asked.images, asked.size, folder / "photos")
    told = {"photos": str(photos), "encoders": encoders, "precision": asked.precision, "gpu": True}
    card, rate = torch.cuda.get_device_name(), _matrix_rate(torch, asked.precision)
    print(f"{card}, {os.cpu_count()} cores: {rate / 1e12:.0f} TFLOP/s of products in {asked.precision}")
    found = measured(list(WAYS), told, asked.rounds)
    compare(found)
    work = Work(photos, encoders, True, asked.precision)
    parts = where_time_goes(work)
    for name, milliseconds in parts.items():
        print(f"{name:<28} {milliseconds:8.2f} ms an image")
    facts = {"operations": _operations(torch, encoders), "rate": rate, "parts": parts, "found": found}
    _tell(facts)
    facts["quick_gelu"] = quick_gelu.times(encoders["clip"], asked.precision, batch=GPU_BATCH, rounds=asked.rounds)
    quick_gelu.tell(facts["quick_gelu"])
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps({"gpu": card, "cores": os.cpu_count(), **facts}, indent=1))


def _tell(facts: dict[str, Any]) -> None:
    middle = {way: statistics.median(one["rate"] for one in found) for way, found in facts["found"].items()}
    shares = (middle[OURS] / middle[LIMIT], middle[OURS] * facts["operations"] / facts["rate"])
    for (what, aim), share in zip(SHARES.items(), shares, strict=True):
        print(f"our step: {share:.1%} {what} (aim {aim:.0%})")
    busy = [one["busy"] for one in facts["found"][OURS] if one["busy"] is not None]
    print(
        f"GPU idle while it ran: {100 - statistics.median(busy):.0f} %" if busy else "GPU idle: the driver says nothing"
    )
    before = sum(ms for name, ms in facts["parts"].items() if name in ("read", "hash", "decode") or "prepare" in name)
    print(f"{os.cpu_count()} cores can decode and prepare {os.cpu_count() / before * 1e3:.0f} images a second at most")


def _operations(torch: Any, encoders: dict[str, Any]) -> float:
    """Of one image's forward passes, two a multiplication with its sum, counted by torch on the CPU."""
    from torch.utils.flop_counter import FlopCounterMode

    from tests.benchmarks.embed_ways import tower_of

    torch.backends.mha.set_fastpath_enabled(False)  # whose products it cannot count
    total = 0.0
    for settings in encoders.values():
        _, forward = tower_of(settings, gpu=False, precision="float32")
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            forward(torch.zeros(1, 3, 224, 224))
        total += counter.get_total_flops()
    return total


def _matrix_rate(torch: Any, precision: str, size: int = 8192, rounds: int = 20) -> float:
    one, other = (torch.randn(size, size, device="cuda", dtype=getattr(torch, precision)) for _ in range(2))
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for _ in range(3):
        one @ other
    start.record()
    for _ in range(rounds):
        one @ other
    end.record()
    torch.cuda.synchronize()
    return 2 * size**3 * rounds / (start.elapsed_time(end) / 1e3)


if __name__ == "__main__":
    main()
