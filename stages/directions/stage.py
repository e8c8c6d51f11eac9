"""Directions: fit the strongest orthonormal directions of the blind vectors, on a sample of them.

They are the eigenvectors of the vectors' second moment, strongest first: for CLIP vectors the first is the mean
direction, and principal components follow. There is one task. Sketches (sketch/stage.py) are only comparable along
exactly the same directions, so the directions are kept and not fitted again by each worker or after the embeddings
have grown: a sketch bounds cosines along any directions, only the tightness of the bound differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import DIRECTIONS, OK
from stages.base import Machine, OnGrowth, Reads, Stage, Task
from stages.directions.length import fitting_length
from stages.directions.settings import SketchSettings
from stages.vectors.reading import dim_of, matrix
from stages.vectors.sound import sound
from stages.vectors.threads import limit_products

RUN = 32  # rows per run: few, because neighbors in a corpus are alike; not 1, because each run reads a row group


class Directions(Stage):
    """A sample of the embeddings in, the directions table out."""

    name = "directions"
    unit = "directions"
    on_growth = OnGrowth.KEPT

    def __init__(self, settings: SketchSettings, blind: str, floor: float) -> None:
        self.sketch, self.blind, self.floor = settings, blind, floor

    @property
    def settings(self) -> Mapping[str, Any]:
        search = {"blind": self.blind, "min_cosine": self.floor}
        return {"sketch": self.sketch.model_dump(mode="json"), "search": search}

    def schema(self) -> Schema:
        return DIRECTIONS

    def table(self) -> tuple[str, int]:
        return DIRECTIONS.name, DIRECTIONS.version

    def setup(self, machine: Machine) -> None:
        limit_products(machine.threads)

    def plan(self, reads: Reads) -> list[Task]:
        """Return one task. Raises Refused if the sketch is to be longer than the vectors."""
        dim, asked = dim_of(reads["embeddings"], self.blind), self.sketch.length
        if dim is not None and asked is not None and asked > dim:
            raise Refused(f"sketch.length {asked} is more than the {dim} numbers of a vector of {self.blind}; lower it")
        return [Task("all")]

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        vectors = drawn(reads["embeddings"], self.blind, self.sketch.draw)
        every, shares = principal(vectors)
        chosen = self.sketch.length or (fitting_length(vectors, every, self.floor) if len(vectors) else 0)
        count = min(chosen, len(every))
        numbers = pa.array(range(1, count + 1), pa.int64())
        columns = [numbers, pa.array(list(every[:count]), pa.list_(pa.float64())), pa.array(shares[:count])]
        yield Part(pa.table(columns, schema=DIRECTIONS.columns), Counts(count, count))


def drawn(embeddings: Manifest, encoder: str, most: int) -> NDArray[np.float32]:
    """Read n <= `most` sound vectors, (n, dim), in short runs spread evenly over the manifest; deterministic."""
    rows, first, parts = drawn_rows(embeddings.rows, most), 0, []
    for shard in embeddings.shards:
        here = rows[(rows >= first) & (rows < first + shard.rows)] - first
        first += shard.rows
        if len(here):
            table = embeddings.read_rows(shard.name, ["status", encoder], here)
            table = table.filter(pc.equal(table.column("status"), OK))
            parts.append(matrix(table.column(encoder), f"{embeddings.folder.url}, {encoder}"))
    found = np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
    return found[sound(found) == ""]


def drawn_rows(rows: int, most: int) -> NDArray[np.int64]:
    """Choose at most `most` of `rows` rows, ascending, in runs of RUN, so that not all of a large manifest is read."""
    if rows <= most:
        return np.arange(rows)
    runs = -(-most // RUN)
    starts = np.arange(runs) * rows // runs
    found: NDArray[np.int64] = np.unique(starts[:, None] + np.arange(RUN))
    return found[found < rows][:most]


def principal(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute (dim, dim) orthonormal directions, strongest first, and the share of the squared length along each."""
    moment = (vectors.T @ vectors).astype(np.float64)
    strength, directions = np.linalg.eigh(moment)
    strength = np.maximum(strength[::-1], 0.0)
    return np.ascontiguousarray(directions.T[::-1]), strength / max(strength.sum(), np.finfo(float).tiny)
