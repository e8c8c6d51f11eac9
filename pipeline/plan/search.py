"""Search: forecast what the search of a recipe will take before it starts, with the arithmetic shown.

Rates are measured on this machine in a few seconds (stages/search/calibration.py). How many pairs survive a
sketch is measured on the vectors where there are any; otherwise it is assumed and reported as assumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from manifests.manifest import Manifest
from pipeline.config.settings import Config
from pipeline.executors import machine
from pipeline.plan.figures import count_text, duration, share_text, size
from stages.directions.length import few, fitting_length, surviving
from stages.directions.stage import drawn, principal
from stages.search import cost
from stages.search.calibration import Rates, calibrated
from stages.search.methods.pace import reaching_by
from stages.search.tile import PLACES
from stages.text import many

# of the benchmark's CLIP-like vectors (tests/benchmarks/vectors.py), ViT-L/14 both
ASSUMED = {"blind_dim": 768, "reference_dim": 1024, "directions": 31, "surviving": 1.1e-5, "near": 2.7e-7}
GPUS, TFLOPS = (1, 8, 64), 150.0
GPU_ROWS = 1 << 20  # block_rows that suits a GPU
WORTH_A_GPU_S = 1.0  # of the product alone on one: nobody needs a GPU for less


@dataclass(frozen=True)
class Forecast:
    """The search of the given number of images on this machine, and on GPUs of an assumed rate."""

    search: cost.Search
    rates: Rates
    workers: int
    known: bool  # whether lengths and shares are from the recipe's own vectors
    vectors_gib: float  # workers.search.vectors

    @property
    def seconds(self) -> Mapping[str, cost.Seconds]:
        """Method -> how its time is spent. `ivf` may miss pairs, so it is not compared with these."""
        return {name: of(self.search, self.rates, self.workers) for name, of in METHODS.items()}

    @property
    def chosen(self) -> str:
        return min(self.seconds, key=lambda name: self.seconds[name].total)

    def gpu_seconds(self, gpus: int) -> float:
        return cost.gpu_product(self.search, gpus, TFLOPS)

    def to_json(self) -> dict[str, Any]:
        sizes = ("comparisons", "tiles", "worker_bytes", "sketch_bytes", "candidate_bytes")
        return {
            **asdict(self.search),
            **{name: getattr(self.search, name) for name in sizes},
            "vectors_known": self.known,
            "workers": self.workers,
            "rates": asdict(self.rates),
            "seconds": {name: {**asdict(found), "total": found.total} for name, found in self.seconds.items()},
            "method": self.chosen,
            "gpu": {"assumed_tflops": TFLOPS, "seconds": {str(gpus): self.gpu_seconds(gpus) for gpus in GPUS}},
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        search, exact = self.search, self.seconds["exact"]
        whence = "measured on the vectors" if self.known else "assumed: the embeddings will tell"
        shares = f"{many(search.directions, 'direction')}; pairs that survive them: {share_text(search.surviving)}"
        blocks, compared = many(search.blocks, "block"), count_text(search.comparisons)
        yield f"search of {many(search.images, 'image')} ({shares}; {whence})"
        yield f"  comparisons  {search.images:,} x {search.images - 1:,} / 2 = {compared}"
        yield f"  tiles        {blocks} of {search.rows:,} -> {many(search.tiles, 'tile')}"
        yield from self._time_lines(exact, compared)
        yield f"  memory       {size(search.worker_bytes)} a worker: two blocks, and {PLACES:,} pairs scored together;"
        yield f"               and the full vectors of two blocks ({size(search.held_bytes)}), of which it holds"
        yield f"               as many as workers.search.vectors allows ({self.vectors_gib:g} GiB)"
        yield f"  disk         {size(search.sketch_bytes)} of sketches, {size(search.candidate_bytes)} of candidates"
        if self.gpu_seconds(1) >= WORTH_A_GPU_S:
            yield from self._gpu_lines()

    def _time_lines(self, exact: cost.Seconds, compared: str) -> Iterator[str]:
        product = f"{compared} x {self.rates.sketches * 1e9:.2f} ns / {self.workers}"
        parts = ", ".join(
            f"{name} {duration(seconds)}" for name, seconds in asdict(exact).items() if name != "comparisons"
        )
        yield f"  time         {duration(exact.total)} by exact with {many(self.workers, 'worker')} of this machine:"
        yield f"               {product} = {duration(exact.comparisons)}; {parts}"
        yield f"               {duration(self.seconds['flat'].total)} by flat: so {self.chosen}; ivf may miss pairs"

    def _gpu_lines(self) -> Iterator[str]:
        large, space = replace(self.search, block_rows=GPU_ROWS), " " * 15
        product = f"{count_text(large.comparisons)} x 2 x {large.gpu_numbers} operations"
        beside = cost.exact(large, self.rates, 1)
        yield f"  on GPUs      {product} / (GPUs x {TFLOPS:g}e12 a second), which none here was measured at:"
        yield f"{space}{', '.join(f'{duration(self.gpu_seconds(gpus))} on {gpus}' for gpus in GPUS)}, the product alone"
        yield f"{space}(FaSTED's rate on an A100, arXiv 2508.21230); beside it one CPU core would take"
        yield f"{space}{duration(beside.scores)} for scores and {duration(beside.reads)} for reads"
        yield f"{space}block_rows {GPU_ROWS:,}: {many(large.tiles, 'tile')}, {size(large.gpu_bytes)} of a GPU's memory,"
        gib = math.ceil(large.held_bytes / (1 << 30))
        yield f"{space}workers.search.vectors {gib} (GiB) to hold both blocks' vectors"


METHODS = {"exact": cost.exact, "flat": cost.flat}


def forecast(config: Config, there: Mapping[str, Manifest], images: int) -> Forecast:
    """Forecast what the search of `images` will take; `there`: the committed manifests of the run."""
    vectors = _of_vectors(config, there["embeddings"]) if "embeddings" in there else None
    search = cost.Search(images, **(vectors or ASSUMED), block_rows=config.search.block_rows)
    workers = config.workers.search.count or machine.cores()
    rates = _rates(search, workers, config.search.min_cosine)
    return Forecast(search, rates, workers, vectors is not None, config.workers.search.vectors)


def _rates(search: cost.Search, workers: int, floor: float) -> Rates:
    """Measure the rates for sketches of this length, compared as a one-thread worker compares those of a full tile."""
    numbers = search.directions + 1
    way = reaching_by(search.rows**2, numbers, floor, threads=1)
    return calibrated(workers, (search.blind_dim, search.reference_dim), numbers, way)


def _of_vectors(config: Config, embeddings: Manifest) -> dict[str, Any] | None:
    """Return lengths and shares of a draw of the embeddings; None where there are too few."""
    roles = (config.search.blind, config.search.reference)
    blind, reference = (drawn(embeddings, role, config.sketch.draw) for role in roles)
    if len(blind) < 2:
        return None
    every, _ = principal(blind)
    floor = config.search.min_cosine
    length = min(config.sketch.length or fitting_length(blind, every, floor), len(every))
    return {
        "blind_dim": blind.shape[1],
        "reference_dim": reference.shape[1],
        "directions": length,
        "surviving": surviving(few(blind), every[:length], floor),
        "near": surviving(few(blind), every, floor),
    }
