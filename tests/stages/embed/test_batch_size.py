"""Batch size: found where the rate levels off or memory ends, remembered for the device, and never fatal to look up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    tried = [one for one in SIZES if one <= 2 * size]
    assert rate(size) >= 0.97 * max(rate(one) for one in tried if one <= size)
    assert size == SIZES[-1] or rate(2 * size) < 1.05 * rate(size) or rate(size) >= 0.97 * rate(2 * size)


@pytest.mark.parametrize("capacity", [8, 40, 700])
def test_memory_that_ends_ends_the_search(capacity: int) -> None:
    asked: list[int] = []

    def rate(size: int) -> float:
        asked.append(size)
        if size > capacity:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return float(size)

    assert best(rate) == max(size for size in SIZES if size <= capacity)
    assert len([size for size in asked if size > capacity]) == 1


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
