"""Cost: the time and memory a search takes, as arithmetic that can be followed line by line."""

from __future__ import annotations

from dataclasses import dataclass

from manifests.shard import GROUP_ROWS
from stages.search.calibration import Rates
from stages.search.methods.exact_gpu import MULTIPLE, ROOM
from stages.search.tile import PLACES
from stages.search.tiles import block_rows

# measured by hand in disk-to-disk runs on two cores; tests/benchmarks/search_rate.py compares their sum with a run
STEP = 1.3  # seconds to start the workers of one step
STEPS = 4  # directions, sketches, copies, candidates
IMAGE = 40e-6  # to read, check and hash both vectors of an image, in addition to making its sketch
TILE = 0.03  # per tile: to write its shard
ROW = 3e-6  # per image in a side of a tile: to read its id and its sketch
GROUP = 1.6e-3  # to read a row group of vectors
ID_BYTES = 110  # per row of the sketches table without the sketch: ids and digest, compressed
CANDIDATE_BYTES = 60  # per row of candidates, compressed
GPU_PLACES_BYTES = ROOM * 8


@dataclass(frozen=True)
class Search:
    """The search whose cost is estimated.

    `surviving` and `near` are shares of all pairs: those that survive the sketch and those that reach the floor.
    """

    images: int
    blind_dim: int
    reference_dim: int
    directions: int
    surviving: float
    near: float
    block_rows: int

    @property
    def comparisons(self) -> int:
        return self.images * (self.images - 1) // 2

    @property
    def rows(self) -> int:
        """Images in one side of a tile."""
        return block_rows(self.images, self.block_rows)

    @property
    def blocks(self) -> int:
        return -(-self.images // self.rows)

    @property
    def tiles(self) -> int:
        return self.blocks * (self.blocks + 1) // 2

    @property
    def groups_read(self) -> float:
        """Row groups of full vectors read for surviving pairs (blind) and for near pairs (reference), in all tiles.

        Each is read at most once per tile and side, if a worker may hold two blocks of vectors.
        """
        return 2 * self.tiles * sum(min(s * self.rows**2, self.rows / GROUP_ROWS) for s in (self.surviving, self.near))

    @property
    def held_bytes(self) -> int:
        """Memory for full vectors in one worker, at most, if it may hold them: two blocks, for both encoders."""
        return 2 * self.rows * 4 * (self.blind_dim + self.reference_dim)

    @property
    def sketch_bytes(self) -> int:
        """Size of the sketches manifest."""
        return self.images * (4 * (self.directions + 1) + ID_BYTES)

    @property
    def candidate_bytes(self) -> int:
        return int(self.near * self.comparisons * CANDIDATE_BYTES)

    @property
    def worker_bytes(self) -> int:
        """Other memory of one worker, at most: two blocks of sketches and ids, vectors of the pairs scored together."""
        sides = 2 * self.rows * (4 * (self.directions + 1) + 60)
        return sides + 2 * min(PLACES, self.rows) * 4 * max(self.blind_dim, self.reference_dim)

    @property
    def gpu_numbers(self) -> int:
        """Length of a sketch on a GPU, padded with zeros."""
        return -(-(self.directions + 1) // MULTIPLE) * MULTIPLE

    @property
    def gpu_bytes(self) -> int:
        """GPU memory used: two blocks of sketches in float16, and the places found."""
        return 2 * self.rows * 2 * self.gpu_numbers + GPU_PLACES_BYTES


@dataclass(frozen=True)
class Seconds:
    """Where the time goes: wall-clock seconds, with all workers running in parallel."""

    sketches: float
    comparisons: float
    scores: float
    reads: float
    starts: float

    @property
    def total(self) -> float:
        return self.sketches + self.comparisons + self.scores + self.reads + self.starts


def exact(search: Search, rates: Rates, workers: int) -> Seconds:
    """Estimate the exact search by sketches, on a CPU."""
    return _seconds(search, rates, workers, rates.sketches, search.surviving)


def flat(search: Search, rates: Rates, workers: int) -> Seconds:
    """Estimate the search by FAISS IndexFlatIP: the same product over the full vectors."""
    return _seconds(search, rates, workers, rates.vectors, search.near)


def _seconds(search: Search, rates: Rates, workers: int, comparison: float, scored: float) -> Seconds:
    return Seconds(
        sketches=search.images * (rates.sketch + IMAGE) / workers,
        comparisons=search.comparisons * comparison / workers,
        scores=scored * search.comparisons * rates.score / workers,
        reads=(search.groups_read * GROUP + search.tiles * (TILE + 2 * search.rows * ROW)) / workers,
        starts=STEPS * STEP,
    )


def gpu_product(search: Search, gpus: int, tflops: float) -> float:
    """Return the seconds of the fused product alone on GPUs of this rate: 2 operations per number per comparison."""
    return search.comparisons * 2 * search.gpu_numbers / (gpus * tflops * 1e12)
