"""Growth: describe in words how a step grew or grows."""

from __future__ import annotations

from itertools import pairwise

from manifests.draft import Draft
from manifests.manifest import Manifest


def growth_text(step: Manifest | Draft) -> str:
    """Return how many shards the step began with, and how many were added each time; empty if it never grew."""
    ends = [state.shards for state in step.grown]
    if not ends:
        return ""
    if isinstance(step, Draft):
        return f"grows: {ends[-1]:,} shards from before, {len(step.tasks) - ends[-1]:,} new ones"
    more = [f"{stop - start:,}" for start, stop in pairwise((*ends, len(step.shards)))]
    return f"grew: {ends[0]:,} shards, then {', then '.join(more)} more"


def settled(draft: Draft) -> set[str]:
    """Return the names of the tasks whose shards an earlier commit listed: no driver will report them again."""
    return {str(task["name"]) for task in draft.tasks[: draft.grown[-1].shards]} if draft.grown else set()
