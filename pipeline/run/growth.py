"""Growth: whether what lies there is a part of what is asked for, proven, so that it can stay.

Three things prove it: the settings are the same, a source has every file that was there as it was (its stage
says so), and each input is the very manifest it was made of, or that with new shards after it: its
commit names the fingerprints it had, and those shards still have the content they had then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

from manifests.draft import Draft
from manifests.errors import Refused
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from stages.base import OnGrowth, PriorState, Stage, Task


def only_grew(stage: Stage, then: Lineage, now: Lineage, states: Mapping[str, Set[str]]) -> bool:
    """Whether nothing but growth lies between two lineages of a step; `states`: step -> its earlier fingerprints.

    Of a stage without inputs the source itself is still to be looked at (`Stage.extended`).
    """
    same = (then.stage, then.table, then.inputs.keys()) == (now.stage, now.table, now.inputs.keys())
    return (
        same
        and stage.on_growth is not OnGrowth.REFUSED
        and stage.covers(then.settings)
        and (not now.inputs or _alike(then.outside, now.outside))
        and all(then.inputs[name] in {one, *states[name]} for name, one in now.inputs.items())
    )


def earlier(there: Manifest | Draft, *, grows: bool) -> frozenset[str]:
    """The fingerprints of the committed states it goes on from; `grows`: its own is about to be one of them."""
    own = {there.lineage.fingerprint} if grows and isinstance(there, Manifest) else set()
    return frozenset({state.fingerprint for state in there.grown} | own)


def begun(there: Manifest | Draft) -> PriorState:
    """The tasks there were. A plan that is ahead of its commit, as after a kill, is cut to it."""
    plan = Draft.planned(there.folder) if isinstance(there, Manifest) else there
    tasks = [Task.from_json(task) for task in plan.tasks] if plan else []
    if isinstance(there, Manifest):
        tasks = tasks[: len(there.shards)]
        if [task.name for task in tasks] != [shard.name for shard in there.shards]:
            raise Refused(f"{there.folder.url} lacks the plan of its shards, so it cannot grow")
        return PriorState(tuple(tasks), len(tasks), there.lineage.outside)
    return PriorState(tuple(tasks), there.grown[-1].shards if there.grown else 0, there.lineage.outside)


def other_inputs(there: Manifest | Draft, reads: Mapping[str, Manifest]) -> list[str]:
    """The steps whose shards are not, or do not begin with, those that it was made of."""
    inputs = there.lineage.inputs
    return [name for name, read in reads.items() if there.made_of.get(name) != read.content_at(inputs.get(name, ""))]


def _alike(then: Any, now: Any) -> bool:
    """Equal as the fingerprint sees them."""
    return json.dumps(then, sort_keys=True) == json.dumps(now, sort_keys=True)
