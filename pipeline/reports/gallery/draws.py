"""Draws: cosines of a run's candidates and of random pairs of its images, bounded in memory whatever the run's size."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from manifests.manifest import Manifest
from pipeline.reports.gallery.facts import Cosines

DRAWN = 200_000  # candidates in the plots
RANDOM_IMAGES = 400  # gives 79,800 random pairs


def candidate_cosines(candidates: Manifest, most: int = DRAWN) -> tuple[Cosines, Cosines]:
    """Return the blind and reference cosines of all candidates, or of every k-th, so that about `most` are drawn."""
    step = max(1, -(-candidates.rows // most))
    start, parts = 0, []
    for batch in candidates.batches(("blind_cosine", "reference_cosine")):
        places = np.arange((-start) % step, batch.num_rows, step)
        parts.append([batch.column(side).to_numpy()[places] for side in (0, 1)])
        start += batch.num_rows
    blind, reference = (np.concatenate([part[side] for part in parts] or [np.zeros(0)]) for side in (0, 1))
    return blind, reference


def random_cosines(embeddings: Manifest, encoders: tuple[str, str]) -> tuple[Cosines, Cosines]:
    """Return the cosines of all pairs among RANDOM_IMAGES images spread evenly over the manifest, for each encoder."""
    shards = [shard for shard in embeddings.shards if shard.counts.ok]
    chosen = shards[:: max(1, len(shards) // 8)]
    parts = [_spread(embeddings, shard.name, encoders, RANDOM_IMAGES // len(chosen)) for shard in chosen]
    blind, reference = (_cosines(np.concatenate([p[side] for p in parts])) if parts else np.zeros(0) for side in (0, 1))
    return blind, reference


def _spread(embeddings: Manifest, shard: str, encoders: tuple[str, str], most: int) -> list[Cosines]:
    table = embeddings.read(shard, ["status", *encoders])
    table = table.filter(pc.equal(table.column("status"), "ok"))
    table = table.take(np.linspace(0, table.num_rows - 1, min(most, table.num_rows)).astype(int))
    return [np.array(table.column(name).to_pylist(), dtype=np.float64) for name in encoders]


def _cosines(vectors: Cosines) -> Cosines:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Cosines = (unit @ unit.T)[np.triu_indices(len(unit), 1)]
    return found
