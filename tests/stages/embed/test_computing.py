"""Computing: any batch goes through within the memory there is, and vectors come out at unit length."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from world.processes import until

from stages.embed.computing import QUEUED, Lanes, Within, unit
from stages.embed.decoding import Prepared

SHORTAGES = {
    "torch on a GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    "torch on a CPU": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
    "cuBLAS": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "Python": MemoryError(),
}


class Small:
    """An encoder that holds `capacity` images at most; an image is a number, its vector the number twice."""

    dim, preparation, batched, computed = 2, "number", False, "Python"

    def __init__(self, capacity: int, shortage: Exception = SHORTAGES["Python"]) -> None:
        self.capacity, self.shortage, self.sizes = capacity, shortage, list[int]()

    def prepare(self, image: Image.Image) -> Any:
        return image

    def encode(self, batch: Sequence[Any]) -> np.ndarray:
        self.sizes.append(len(batch))
        if len(batch) > self.capacity:
            raise self.shortage
        return np.array([[number, number] for number in batch], np.float32)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 50))
def test_any_batches_give_the_same_vectors_in_the_same_order_whatever_the_memory(
    sizes: list[int], capacity: int
) -> None:
    within = Within(Small(capacity))
    for size in sizes:
        assert within.encode(range(size)).tolist() == [[number, number] for number in range(size)]


@given(st.integers(1, 40), st.integers(1, 50))
def test_a_size_that_failed_is_not_tried_again(size: int, capacity: int) -> None:
    encoder = Small(capacity)
    within = Within(encoder)
    within.encode(range(size))
    encoder.sizes.clear()
    within.encode(range(size))
    assert max(encoder.sizes) <= capacity


@pytest.mark.parametrize("shortage", SHORTAGES.values(), ids=SHORTAGES)
def test_memory_that_runs_out_is_known_by_each_of_its_names(shortage: Exception) -> None:
    assert len(Within(Small(2, shortage)).encode(range(5))) == 5


def test_an_image_too_large_by_itself_raises_the_encoders_own_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        Within(Small(0, SHORTAGES["torch on a GPU"])).encode(range(3))


def test_another_error_is_raised_at_once() -> None:
    encoder = Small(0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        Within(encoder).encode(range(8))
    assert encoder.sizes == [8]


def test_images_are_computed_while_the_caller_is_busy_with_those_before() -> None:
    encoder = Small(100)
    lanes = Lanes({"small": Within(encoder)}, together=4)
    with closing(lanes.answers(Prepared(place, {"small": place + 1}) for place in range(40))) as answers:
        assert next(answers).place == 0
        until(lambda: len(encoder.sizes) == 1 + QUEUED)  # and nobody has asked for more
        assert [answer.place for answer in answers] == list(range(1, 40))


NUMBERS = st.one_of(
    st.floats(width=32),
    st.sampled_from([0.0, -0.0, 1e30, -1e30, 3.4e38, 1e-30, 1e-45, float("inf"), float("-inf"), float("nan")]),
)
ROWS = arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=NUMBERS)


@given(ROWS)
@example(np.full((1, 5), 3.4e38, np.float32))
@example(np.full((1, 5), 1e-45, np.float32))
def test_a_row_is_as_long_as_one_and_points_where_it_did(vectors: np.ndarray) -> None:
    rows, good = unit(vectors)
    wide = vectors.astype(np.longdouble)[good]
    wanted = wide / np.sqrt((wide**2).sum(axis=1, keepdims=True))
    assert np.abs(rows[good] - wanted).max(initial=0) <= 1e-7
    assert np.abs(np.linalg.norm(rows[good].astype(np.float64), axis=1) - 1).max(initial=0) <= 1e-6


@given(ROWS)
def test_exactly_the_rows_that_are_finite_and_not_zero_are_good(vectors: np.ndarray) -> None:
    _, good = unit(vectors)
    assert good.tolist() == [bool(np.isfinite(row).all() and row.any()) for row in vectors]


@given(ROWS)
def test_a_row_that_is_not_good_becomes_zeros(vectors: np.ndarray) -> None:
    rows, good = unit(vectors)
    assert not rows[~good].any()
