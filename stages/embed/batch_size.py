"""Batch size: how many images a GPU computes together, measured once for each kind of GPU and remembered.

Sizes are remembered in this user's cache (`~/.cache/blindpairs/batches.json`, or below XDG_CACHE_HOME): what fits on
a GPU and where its rate levels off does not change from run to run. Remove the file to measure again.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image

from manifests.parsing import parse_json
from stages.models.encoders.base import Encoder, is_out_of_memory

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
PAYS = 1.05  # larger sizes are tried as long as one of the last two was this much faster than all before
NEAR = 0.97  # the smallest size with at least this share of the best rate is chosen
AT_ONCE = 4  # batches that may be on a GPU at once: two workers, two each
ROUNDS = 3


def batch_size(encoder: Encoder, weights: str) -> int:
    """Return how many images a batched encoder computes together: remembered, or measured in a few seconds.

    `weights` names its weights: the size is remembered by weights, device and precision.
    """
    key = f"{weights} in {encoder.computed}"
    with _alone():  # two workers that share a GPU would each measure the other's load
        size = _remembered().get(key)
        if size is None:
            picture = encoder.prepare(Image.new("RGB", (500, 375), "grey"))
            size = best(lambda images: _rate(encoder, [picture] * images))
            remember(encoder, weights, size)
    return size


def remember(encoder: Encoder, weights: str, size: int) -> None:
    """Store this size for the encoder's device; if the cache cannot be written, it is measured again next time."""
    sizes = _remembered() | {f"{weights} in {encoder.computed}": size}
    with suppress(OSError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(sizes, indent=1, sort_keys=True) + "\n")
        aside.replace(path)


def best(rate: Callable[[int], float]) -> int:
    """Return the smallest size whose rate (images per second) is near the best; larger sizes are tried while it pays.

    If memory runs out first, return a size of which several batches fit. Raises what `rate` raises, except out of
    memory with more than one image.
    """
    rates: dict[int, float] = {}
    most = SIZES[-1]
    for size in SIZES:
        try:
            rates[size] = rate(size)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or not rates:
                raise
            most = max(1, size // 2 // AT_ONCE)
            break
        if _levelled(list(rates.values())):
            break
    return min(most, next(size for size, found in rates.items() if found >= NEAR * max(rates.values())))


def _levelled(rates: list[float]) -> bool:
    """Whether neither of the last two sizes was much faster than the best before them."""
    return len(rates) > 2 and max(rates[-2:]) < PAYS * max(rates[:-2])


@contextmanager
def _alone() -> Iterator[None]:
    """Admit one of this user's processes at a time; do not lock if the cache cannot be written."""
    try:
        _path().parent.mkdir(parents=True, exist_ok=True)
        lock = _path().with_suffix(".lock").open("w")
    except OSError:
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released when its process dies
        yield


def _rate(encoder: Encoder, pictures: list[object]) -> float:
    encoder.encode(pictures)  # warm-up: kernels are chosen for the first batch of each shape
    began = time.perf_counter()
    for _ in range(ROUNDS):
        encoder.encode(pictures)
    return ROUNDS * len(pictures) / (time.perf_counter() - began)


def _remembered() -> dict[str, int]:
    try:
        found = parse_json(_path().read_bytes())
        return {key: size for key, size in found.items() if isinstance(size, int) and size > 0}
    except (OSError, ValueError, AttributeError):  # missing, or not our format
        return {}


def _path() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blindpairs" / "batches.json"
