"""Vectors of every awkward kind, and what a search in them must find, by plain loops over the definition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from world.committed import names, sha256_of
from world.vectors import embeddings_manifest

from manifests.manifest import Manifest

FLOORS = (0.95, 1.0, 0.999999, 0.5, 0.0, -0.5, -0.9999999)
DIMS = (1, 2, 3, 16, 64)
OF_OLD = ("copy", "equal", "nearly equal", "opposite", "on the border", "equal reference")  # made of an earlier one
UNSOUND = {"nan": np.nan, "infinite": np.inf, "zero": 0.0, "too long": 1.5}  # that times a unit vector
KINDS = ("new", "along an axis", "clustered", *OF_OLD, *UNSOUND)


@dataclass(frozen=True)
class World:
    """Images with their vectors, the floor these lie about, and which images have none that can be compared."""

    ids: list[str]
    blind: np.ndarray
    reference: np.ndarray
    sha256: list[str]
    rejected: frozenset[int]
    unsound: frozenset[int]
    floor: float

    def manifest(self, folder: str, shard_rows: Sequence[int], order: Sequence[int] | None = None) -> Manifest:
        order = range(len(self.ids)) if order is None else order
        return embeddings_manifest(
            folder,
            [self.ids[place] for place in order],
            {"blind": self.blind[list(order)], "reference": self.reference[list(order)]},
            shard_rows=shard_rows,
            rejected={new for new, old in enumerate(order) if old in self.rejected},
        )


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.sqrt((vectors * vectors).sum(-1, keepdims=True))).astype(np.float32)


def at_cosine(vector: np.ndarray, cosine: float, random: np.random.Generator) -> np.ndarray:
    """A float32 unit vector at this cosine of another one, as near as float32 allows."""
    wide, other = vector.astype(float), random.normal(size=len(vector))
    other -= wide * (other @ wide)
    length = np.sqrt(other @ other)
    beside = other / length if length > 1e-9 else 0.0  # in one dimension there is no other direction
    return unit(cosine * wide + math.sqrt(1 - cosine**2) * beside) if len(vector) > 1 else vector


def one_more(
    kind: str, old: tuple[np.ndarray, np.ndarray], dim: int, floor: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The blind and the reference vector of one more image; `old`: those of an earlier one."""
    noise, reference = random.normal(size=dim), unit(random.normal(size=5))
    axis = np.eye(dim, dtype=np.float32)[random.integers(dim)]
    blind = {
        "new": lambda: unit(noise),
        "along an axis": lambda: axis,
        "clustered": lambda: unit(np.ones(dim) + 0.1 * noise),
        "copy": lambda: old[0] * np.where(old[0] == 0, np.float32(-1), np.float32(1)),  # 0.0 becomes -0.0
        "equal": lambda: old[0],
        "nearly equal": lambda: unit(old[0] + 1e-7 * noise),
        "opposite": lambda: -old[0],
        "on the border": lambda: at_cosine(old[0], floor, random),
    }
    if kind in UNSOUND:
        return unit(noise) * np.float32(UNSOUND[kind]), reference
    return blind.get(kind, blind["new"])(), old[1] if kind in ("copy", "equal reference") else reference


@st.composite
def worlds(draw: st.DrawFn) -> World:
    dim, floor = draw(st.sampled_from(DIMS)), draw(st.sampled_from(FLOORS))
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=24))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sound = [(np.eye(1, dim, dtype=np.float32)[0], unit(np.ones(5)))]
    made = []
    for kind in kinds:
        made.append(one_more(kind, sound[random.integers(len(sound))], dim, floor, random))
        if kind not in UNSOUND:
            sound.append(made[-1])
    count = len(kinds)
    out = {place for place, kind in enumerate(kinds) if kind in UNSOUND}
    rejected = draw(st.frozensets(st.integers(0, 24), max_size=4)) & frozenset(range(count))
    bytes_of = draw(st.lists(st.integers(0, 60), min_size=count, max_size=count))
    blind, reference = (
        np.array([pair[side] for pair in made], np.float32).reshape(count, size) for side, size in enumerate((dim, 5))
    )
    sha256 = [sha256_of(number) for number in bytes_of]
    return World(names(count), blind, reference, sha256, rejected, frozenset(out) - rejected, floor)


@st.composite
def cuts(draw: st.DrawFn, rows: int) -> list[int]:
    """Sizes of shards, some of them empty, for so many rows."""
    edges = sorted(draw(st.lists(st.integers(0, rows), max_size=4)))
    return [b - a for a, b in zip([0, *edges], [*edges, rows], strict=True)]


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    """As the definition reads, in float64."""
    x, y = x.astype(float), y.astype(float)
    return min(1.0, max(-1.0, float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))))


def exact_cosine(x: np.ndarray, y: np.ndarray) -> float:
    """With sums that are rounded once."""
    x, y = x.astype(float).tolist(), y.astype(float).tolist()
    dot, xx, yy = (math.fsum(a * b for a, b in zip(*sides, strict=True)) for sides in ((x, y), (x, x), (y, y)))
    return dot / math.sqrt(xx) / math.sqrt(yy)


def compared(world: World) -> list[int]:
    """The places of the images that are ok."""
    return [place for place in range(len(world.ids)) if place not in world.rejected | world.unsound]


def standing(world: World) -> list[int]:
    """The places of those that stand for themselves and their copies: the smallest id of each class."""
    classes: list[list[int]] = []
    for place in compared(world):
        joined = [one for one in classes if any(_same(world, place, other) for other in one)]
        classes = [one for one in classes if one not in joined] + [sum(joined, [place])]
    return sorted(min(one, key=world.ids.__getitem__) for one in classes)


def _same(world: World, i: int, j: int) -> bool:
    vectors = all(np.array_equal(side[i], side[j]) for side in (world.blind, world.reference))
    return vectors or world.sha256[i] == world.sha256[j]


def brute_force(world: World) -> set[tuple[str, str]]:
    """Every pair that a complete search finds."""
    there = standing(world)
    return {
        (min(world.ids[i], world.ids[j]), max(world.ids[i], world.ids[j]))
        for at, i in enumerate(there)
        for j in there[at + 1 :]
        if cosine(world.blind[i], world.blind[j]) >= world.floor
    }
