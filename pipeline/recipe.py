"""START HERE. The main path: images, embeddings, candidates, pairs, each step a stage placed in a run.

`manifests` says what a row is; a stage says which tasks there are and what one task makes; the
pipeline (runner.py) makes the steps in this order. One task makes exactly one Parquet shard.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config import Config, WorkerSettings
from stages.base import Stage
from stages.download.stage import Download
from stages.embed.stage import Embed
from stages.filter.stage import Filter
from stages.search.stage import Search


@dataclass(frozen=True)
class Step:
    """A stage placed in a run: the manifest's name, who makes it, what it reads, how it is spread."""

    name: str
    stage: Stage
    reads: tuple[str, ...]
    workers: WorkerSettings


def steps(config: Config) -> list[Step]:
    """The steps of a recipe, in order."""
    workers = config.workers
    return [
        Step("images", Download(config.images), (), workers.images),
        Step("embeddings", Embed(config.embed), ("images",), workers.embed),
        Step("candidates", Search(config.search), ("embeddings",), workers.search),
        Step("pairs", Filter(config.filter), ("candidates", "images"), workers.filter),
    ]
