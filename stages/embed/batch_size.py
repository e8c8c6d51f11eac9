"""Batch size: how many images a GPU computes together, found once for each kind of GPU and remembered.

Remembered in this user's cache (`~/.cache/blindpairs/batches.json`, or below XDG_CACHE_HOME): what a card holds
and where its rate levels off does not change from run to run. Remove the file to measure anew.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PIL import Image

from stages.models.encoders.base import Encoder, is_out_of_memory

SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
PAYS = 1.05  # a size twice as large is tried further as long as it is so much quicker
NEAR = 0.97  # the smallest size within this share of the best rate is taken
ROUNDS = 3


def batch_size(encoder: Encoder, weights: str) -> int:
    """Images to compute together, for an encoder that does so: remembered, or measured in some seconds.

    `weights` names its weights: with its device and precision they are what the size is remembered by.
    """
    key = f"{weights} in {encoder.computed}"
    size = _remembered().get(key)
    if size is None:
        picture = encoder.prepare(Image.new("RGB", (500, 375), "grey"))
        size = best(lambda images: _rate(encoder, [picture] * images))
        remember(encoder, weights, size)
    return size


def remember(encoder: Encoder, weights: str, size: int) -> None:
    """Keep this size for the encoder's device; a cache that cannot be written costs a measurement next time."""
    sizes = _remembered() | {f"{weights} in {encoder.computed}": size}
    with suppress(OSError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(sizes, indent=1, sort_keys=True) + "\n")
        aside.replace(path)


def best(rate: Callable[[int], float]) -> int:
    """The smallest size whose rate (images a second) is near the best; larger ones are tried as long as that pays.

    Raises what `rate` raises, except out of memory beyond the first size.
    """
    rates: dict[int, float] = {}
    for size in SIZES:
        try:
            rates[size] = rate(size)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or not rates:
                raise
            break
        if size > SIZES[0] and rates[size] < PAYS * rates[size // 2]:
            break
    return next(size for size, found in rates.items() if found >= NEAR * max(rates.values()))


def _rate(encoder: Encoder, pictures: list[object]) -> float:
    encoder.encode(pictures)  # the first of a shape is chosen for, or compiled
    began = time.perf_counter()
    for _ in range(ROUNDS):
        encoder.encode(pictures)
    return ROUNDS * len(pictures) / (time.perf_counter() - began)


def _remembered() -> dict[str, int]:
    try:
        found = json.loads(_path().read_bytes())
        return {key: size for key, size in found.items() if isinstance(size, int) and size > 0}
    except (OSError, ValueError, AttributeError):  # not there, or not ours
        return {}


def _path() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blindpairs" / "batches.json"
