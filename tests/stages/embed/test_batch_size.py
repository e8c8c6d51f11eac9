"""Batch size: found where the rate levels off or memory ends, remembered for the device, and never fatal to look up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stages.embed import batch_size as found
from stages.embed.batch_size import SIZES, batch_size, best, remember


def saturating(full: float, half: float) -> Callable[[int], float]:
    """A rate that grows with the batch towards `full`, half of it at `half` images."""
    return lambda size: full * size / (size + half)


@given(st.floats(10, 1e5), st.floats(0.1, 500))
def test_the_smallest_size_near_the_best_rate_is_taken(full: float, half: float) -> None:
    rate = saturating(full, half)
    size = best(rate)
    assert rate(size) >= 0.97 * min(rate(4 * size), rate(SIZES[-1])) / 1.05  # two sizes on it paid no more
    assert size == 1 or rate(size // 2) < 0.97 * rate(size) or rate(size // 2) < 0.97 * rate(4 * size)


def test_a_single_size_that_was_slow_does_not_end_the_search() -> None:
    rates = {1: 10, 2: 20, 4: 40, 8: 80, 16: 81, 32: 300, 64: 500, 128: 510, 256: 512}
    assert best(lambda size: rates.get(size, 512)) == 64


@pytest.mark.parametrize(("capacity", "wanted"), [(1, 1), (8, 2), (40, 8), (700, 128)])
def test_where_memory_ends_a_size_is_taken_of_which_several_fit(capacity: int, wanted: int) -> None:
    asked: list[int] = []

    def rate(size: int) -> float:
        asked.append(size)
        if size > capacity:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return float(size)

    assert best(rate) == wanted
    assert len([size for size in asked if size > capacity]) == 1


def test_two_processes_measure_one_after_the_other(cache: Path) -> None:
    at_once: list[int] = []

    class Slow(Card):
        def encode(self, batch: Sequence[Any]) -> np.ndarray:
            at_once.append(1)
            time.sleep(0.001)
            assert len(at_once) == 1, "two measured together"
            at_once.pop()
            return super().encode(batch)

    with ThreadPoolExecutor(3) as pool:  # a lock of a file that is opened anew holds between threads too
        sizes = list(pool.map(lambda _: batch_size(Slow(), "w"), range(3)))
    assert len(set(sizes)) == 1


def test_memory_for_not_even_the_smallest_is_told() -> None:
    def rate(size: int) -> float:
        raise MemoryError

    with pytest.raises(MemoryError):
        best(rate)


def test_another_error_is_raised_at_once() -> None:
    def rate(size: int) -> float:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        best(rate)


class Card:
    """An encoder on a card of its own, which counts how often it computes."""

    dim, preparation, batched = 1, "card", True

    def __init__(self, computed: str = "bfloat16 on Card 80GB") -> None:
        self.computed, self.sizes = computed, list[int]()

    def prepare(self, image: Image.Image) -> Any:
        return image

    def encode(self, batch: Sequence[Any]) -> np.ndarray:
        self.sizes.append(len(batch))
        return np.ones((len(batch), 1), np.float32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "blindpairs" / "batches.json"


def test_what_was_measured_is_remembered_for_this_device_and_these_weights_only(cache: Path) -> None:
    first, again = Card(), Card()
    size = batch_size(first, "model.safetensors 12ab")
    assert (batch_size(again, "model.safetensors 12ab"), again.sizes) == (size, [])
    for other, weights in ((Card("float16 on Small"), "model.safetensors 12ab"), (Card(), "model.safetensors 34cd")):
        batch_size(other, weights)
        assert other.sizes


def test_a_smaller_size_takes_the_place_of_the_measured_one() -> None:
    batch_size(Card(), "w")
    remember(Card(), "w", 3)
    assert batch_size(Card(), "w") == 3


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"w in bfloat16 on Card 80GB": "many"}', '{"w in bfloat16 on Card 80GB": 0}']
)
def test_a_file_that_is_not_ours_is_measured_over(cache: Path, text: str) -> None:
    cache.parent.mkdir()
    cache.write_text(text)
    card = Card()
    assert batch_size(card, "w") in SIZES
    assert card.sizes


def test_a_cache_that_cannot_be_written_costs_a_measurement_only(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "_path", lambda: Path("/proc/nowhere/batches.json"))
    assert batch_size(Card(), "w") in SIZES
