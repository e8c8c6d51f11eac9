"""Rebuilt pairs: make the pairs of the remaining images again at once, with the settings they had."""

from __future__ import annotations

from typing import Any

from manifests.draft import Draft
from manifests.lineage import Lineage
from manifests.manifest import COMMIT, Manifest
from manifests.removal import Held
from manifests.shard import write_shard
from manifests.storage import Folder
from stages.filter.settings import FilterSettings
from stages.filter.stage import Filter


def settings_of(pairs: Held | None) -> dict[str, Any] | None:
    """Return what is needed to make the pairs again; None where there were none."""
    if pairs is None or pairs.commit is None:
        return None
    return {"lineage": pairs.lineage, "made_with": pairs.commit.get("made_with", {})}


def pairs_again(run: Folder, known: dict[str, Any]) -> bool:
    """Make and commit the pairs; False if their inputs are unfinished or have changed: then `run` makes them.

    Takes seconds, in this process: the filter reads the candidates once.
    """
    lineage = Lineage.from_json(known["lineage"])
    if not all((run / step).has(COMMIT) for step in lineage.inputs):
        return False
    reads = {step: Manifest.open(run / step) for step in lineage.inputs}
    if any(read.lineage.fingerprint != lineage.inputs[step] for step, read in reads.items()):
        return False
    stage, folder = Filter(FilterSettings(**lineage.settings["filter"])), run / "pairs"
    tasks, made_of = stage.plan(reads), {step: read.content for step, read in reads.items()}
    draft = Draft.begin(folder, lineage, [task.to_json() for task in tasks], made_of)
    receipts = {task.name: write_shard(folder, task.name, stage.schema(), stage.process(task, reads)) for task in tasks}
    draft.commit(receipts, expected=stage.expected(reads), made_with=known["made_with"])
    return True
