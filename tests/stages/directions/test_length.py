"""Length: of all that a sketch may have, the one that costs least by a plain count of what survives."""

from __future__ import annotations

import numpy as np
import pytest
from world.adversaries import unit

from stages.directions import length
from stages.directions.length import LENGTHS, LOOK, SCORE, fitting_length
from stages.directions.stage import principal


def clusters(count: int, dim: int, spread: float) -> np.ndarray:
    random = np.random.default_rng(dim)
    middles = random.normal(size=(10, dim))
    return unit(middles[random.integers(10, size=count)] + spread * random.normal(size=(count, dim)))


def cost(vectors: np.ndarray, directions: np.ndarray, floor: float, count: int) -> float:
    """As the module's docstring says it, by the definition of a sketch and a loop."""
    along = vectors.astype(float) @ directions[:count].T
    rest = np.sqrt(np.maximum(1 - (along * along).sum(axis=1), 0))
    pairs = [(i, j) for i in range(len(vectors)) for j in range(i)]
    surviving = sum(along[i] @ along[j] + rest[i] * rest[j] >= floor for i, j in pairs)
    return count + LOOK + SCORE * surviving / max(len(pairs), 1)


@pytest.mark.parametrize("spread", [0.05, 0.3, 2.0])
@pytest.mark.parametrize(("dim", "floor"), [(20, 0.95), (20, 0.5), (40, 0.95)])
def test_no_other_length_is_cheaper(dim: int, floor: float, spread: float) -> None:
    vectors = clusters(120, dim, spread)
    directions = principal(vectors)[0]
    costs = {count: cost(vectors, directions, floor, count) for count in [*LENGTHS, dim] if count <= dim}
    assert costs[fitting_length(vectors, directions, floor)] <= min(costs.values()) + 1e-6


def test_vectors_of_few_dimensions_get_shorter_sketches_than_those_of_many() -> None:
    random = np.random.default_rng(0)
    easy = unit(random.normal(size=(400, 4)) @ random.normal(size=(4, 256)))
    hard = unit(random.normal(size=(400, 256)))
    short, long = (fitting_length(vectors, principal(vectors)[0], 0.95) for vectors in (easy, hard))
    assert short <= 7 < long < 256


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_short_vectors_and_few_of_them_have_a_length_too(count: int, dim: int) -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(count, dim)))
    assert fitting_length(vectors, principal(vectors)[0], 0.95) in (min(dim, 3), dim)


def test_only_so_many_vectors_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clusters(500, 20, 0.3)
    directions = principal(vectors)[0]
    monkeypatch.setattr(length, "PAIRS_OF", 100)
    assert fitting_length(vectors, directions, 0.95) == fitting_length(vectors[::5], directions, 0.95)
