"""The search as the pipeline runs it, from an embeddings manifest on disk to a candidates manifest on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from world.committed import images_manifest, lineage_of, names
from world.vectors import embeddings_manifest

from manifests.draft import Draft
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.config.settings import Config
from pipeline.executors.local_executor import LocalExecutor
from pipeline.executors.worker import Job
from pipeline.run.recipe import Step, steps

SHARD_ROWS = 10_000


def opened(folder: Path) -> dict[str, Manifest]:
    """What `embedded` wrote."""
    return {name: Manifest.open(Folder(str(folder / name))) for name in ("images", "embeddings")}


def embedded(folder: Path, rows: np.ndarray, reference_dim: int = 1024) -> None:
    """Images and embeddings manifests of these blind vectors; the reference's are drawn."""
    ids = names(len(rows))
    drawn = np.random.default_rng(1).standard_normal((len(rows), reference_dim), dtype=np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    cut = [min(SHARD_ROWS, len(rows) - start) for start in range(0, len(rows), SHARD_ROWS)]
    sha256 = [f"{place:032x}" * 2 for place in range(len(rows))]
    images_manifest(folder / "images", ids, sha256, cut)
    embeddings_manifest(folder / "embeddings", ids, {"clip": rows, "dino": drawn}, shard_rows=cut)


def recipe(floor: float) -> Config:
    """A recipe whose search reads these manifests; its encoders are never loaded."""
    return Config.model_validate(
        {
            "run": "bench",
            "images": {"sources": [{"name": "none", "kind": "folder", "uri": "/none"}]},
            "embed": {"encoders": {"clip": {"kind": "colour"}, "dino": {"kind": "structure"}}},
            "search": {"blind": "clip", "reference": "dino", "min_cosine": floor},
        }
    )


def searched(folder: Path, there: dict[str, Manifest], floor: float) -> Manifest:
    """The candidates, by every step between the embeddings and them, on this machine's workers."""
    found = dict(there)
    for step in steps(recipe(floor)):
        if step.name not in found and step.name != "pairs":
            found[step.name] = _made(step, found, Folder(str(folder / step.name)))
    return found["candidates"]


def _made(step: Step, there: dict[str, Manifest], folder: Folder) -> Manifest:
    reads = {name: there[name] for name in step.reads}
    tasks = step.stage.plan(reads)
    draft = Draft.begin(folder, lineage_of(step.stage.schema()), [task.to_json() for task in tasks])
    job = Job(step.stage, folder, {name: manifest.folder for name, manifest in reads.items()}, 1.0)
    outcomes = list(LocalExecutor().execute(job, tasks, step.workers))
    assert not [one.error for one in outcomes if one.error], outcomes
    return draft.commit({one.name: one.receipt for one in outcomes}, expected=step.stage.expected(reads))
