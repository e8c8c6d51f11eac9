"""Sound: what cannot be compared is told, with why; what can be is let through, stored as float16 too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.adversaries import unit

from stages.vectors.sound import NOT_FINITE, NOT_UNIT, OFF_UNIT, SENTENCES, sound


def why(*vector: float) -> str:
    (reason,) = sound(np.array([vector], np.float32))
    return str(reason)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_told(odd: float) -> None:
    assert why(odd, 0.0) == why(1.0, odd) == NOT_FINITE


@pytest.mark.parametrize("length", [0.0, 1e-30, 0.5, 1 - 1.1 * OFF_UNIT, 1 + 1.1 * OFF_UNIT, 2.0, 3e38])
def test_a_length_that_is_not_one_is_told(length: float) -> None:
    assert why(0.6 * length, 0.8 * length) == why(length, 0.0) == NOT_UNIT


@pytest.mark.parametrize("length", [1 - 0.9 * OFF_UNIT, 1.0, 1 + 0.9 * OFF_UNIT])
def test_a_length_that_is_nearly_one_is_sound(length: float) -> None:
    assert why(0.6 * length, -0.8 * length) == ""


@given(st.sampled_from((1, 2, 3, 64, 768, 4096)), st.integers(0, 2**32 - 1))
def test_unit_vectors_stored_as_float16_are_sound(dim: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = unit(random.normal(size=(3, dim)) * 10.0 ** random.uniform(-8, 0, dim))
    assert (sound(vectors) == "").all()
    assert (sound(vectors.astype(np.float16).astype(np.float32)) == "").all()


def test_each_vector_has_a_reason_of_its_own() -> None:
    found = sound(np.array([[1, 0], [np.nan, 0], [3, 4], [0, -1], [np.inf, np.nan]], np.float32))
    assert found.tolist() == ["", NOT_FINITE, NOT_UNIT, "", NOT_FINITE]


def test_no_vectors_have_no_reasons() -> None:
    assert sound(np.zeros((0, 3), np.float32)).tolist() == []


def test_every_reason_has_its_sentence() -> None:
    assert set(SENTENCES) == {NOT_FINITE, NOT_UNIT}
