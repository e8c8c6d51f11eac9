"""Growth: prove that a step only grew, so that its shards can be kept.

Three things prove it: the settings are the same; the source still has every file it had, unchanged (its stage checks
that); and each input is the manifest the step was made from, or that manifest with new shards after it: its commit
names its earlier fingerprints, and the old shards still have the content they had then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

from manifests.draft import Draft
from manifests.errors import Refused
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from manifests.storage import Folder
from stages.base import OnGrowth, PriorState, Stage, Task


def only_grew(stage: Stage, then: Lineage, now: Lineage, states: Mapping[str, Set[str]]) -> bool:
    """Whether a step's lineage changed only by growth; `states`: step -> its earlier fingerprints.

    For a stage without inputs, the source itself must be checked as well (`Stage.extended`).
    """
    same = (then.stage, then.table, then.inputs.keys()) == (now.stage, now.table, now.inputs.keys())
    return (
        same
        and stage.on_growth is not OnGrowth.REFUSED
        and stage.covers(then.settings)
        and (not now.inputs or _alike(then.external_state, now.external_state))
        and all(then.inputs[name] in {one, *states[name]} for name, one in now.inputs.items())
    )


def earlier(there: Manifest | Draft, *, grows: bool) -> frozenset[str]:
    """Return the fingerprints of the committed states a step extends; `grows`: include its current one."""
    own = {there.lineage.fingerprint} if grows and isinstance(there, Manifest) else set()
    return frozenset({state.fingerprint for state in there.grown} | own)


def begun(there: Manifest | Draft) -> PriorState:
    """Return the tasks a step had. A plan that is ahead of its commit, as after a kill, is truncated to it."""
    plan = Draft.planned(there.folder) if isinstance(there, Manifest) else there
    tasks = [Task.from_json(task) for task in plan.tasks] if plan else []
    if isinstance(there, Manifest):
        tasks = tasks[: len(there.shards)]
        if [task.name for task in tasks] != [shard.name for shard in there.shards]:
            raise Refused(f"{there.folder.url} lacks the plan of its shards, so it cannot grow")
        return PriorState(tuple(tasks), len(tasks), there.lineage.external_state)
    return PriorState(tuple(tasks), there.grown[-1].shards if there.grown else 0, there.lineage.external_state)


def other_inputs(there: Manifest | Draft, reads: Mapping[str, Manifest]) -> list[str]:
    """Return the inputs whose shards neither are nor begin with those the step was made from."""
    inputs = there.lineage.inputs
    return [name for name, read in reads.items() if there.made_of.get(name) != read.content_at(inputs.get(name, ""))]


class StepDiffers(Refused):
    """A step was made with other settings, files or inputs than those asked for; it and those after it can be remade.

    `why` is the sentence that says so, without what to do.
    """

    def __init__(self, folder: Folder, why: str, others: str = "") -> None:
        remedy = f"remove the folder {folder.url} and those after it to make them again"
        super().__init__(f"{why}. {others}, or {remedy}." if others else f"{why}; {remedy}")
        self.step, self.why, self.others = folder.name, why, others


def rebuilt_since(folder: Folder, inputs: Sequence[str]) -> StepDiffers:
    """The refusal of a manifest that was made from inputs which have been rebuilt since."""
    return StepDiffers(
        folder, f"{folder.url} was made from another version of {', '.join(inputs)}, which has been rebuilt since"
    )


def _alike(then: Any, now: Any) -> bool:
    """Whether the fingerprint would treat them as equal."""
    return json.dumps(then, sort_keys=True) == json.dumps(now, sort_keys=True)
