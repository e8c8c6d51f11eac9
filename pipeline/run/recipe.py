"""START HERE. The main path: images, embeddings, candidates, pairs, each step a stage placed in a run.

Between embeddings and candidates lie what makes the search fast and bounded: directions and sketches
(a few numbers an image that bound its cosine with any other), and copies (images one of which stands for all).

`manifests` says what a row is; a stage says which tasks there are and what one task makes; the
pipeline (runner.py) makes the steps in this order. One task makes exactly one Parquet shard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.config.settings import Config, WorkerSettings
from stages.base import Stage
from stages.copies.stage import Copies
from stages.directions.stage import Directions
from stages.download.stage import Download
from stages.embed.stage import Embed
from stages.filter.stage import Filter
from stages.search.stage import Search
from stages.sketch.stage import Sketch

STAGES: Mapping[str, type[Stage]] = {  # of the steps, by their names
    "images": Download,
    "embeddings": Embed,
    "directions": Directions,
    "sketches": Sketch,
    "copies": Copies,
    "candidates": Search,
    "pairs": Filter,
}


@dataclass(frozen=True)
class Step:
    """A stage placed in a run: the manifest's name, who makes it, what it reads, how it is spread."""

    name: str
    stage: Stage
    reads: tuple[str, ...]
    workers: WorkerSettings


def steps(config: Config) -> list[Step]:
    """The steps of a recipe, in order."""
    workers, search = config.workers, config.search
    return [
        Step("images", Download(config.images), (), workers.images),
        Step("embeddings", Embed(config.embed), ("images",), workers.embed),
        Step("directions", Directions(config.sketch, search.blind, search.min_cosine), ("embeddings",), workers.sketch),
        Step("sketches", Sketch(search.blind, search.reference), ("embeddings", "directions"), workers.sketch),
        Step("copies", Copies(), ("sketches", "images"), workers.sketch),
        Step("candidates", Search(search), ("embeddings", "sketches", "copies"), workers.search),
        Step("pairs", Filter(config.filter), ("candidates", "copies"), workers.filter),
    ]
