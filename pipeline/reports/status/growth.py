"""Growth: how a step grew, or grows, in words."""

from __future__ import annotations

from itertools import pairwise

from manifests.draft import Draft
from manifests.manifest import Manifest


def growth_text(step: Manifest | Draft) -> str:
    """With how many shards it began, and how many came each time; empty where it never grew."""
    ends = [state.shards for state in step.grown]
    if not ends:
        return ""
    if isinstance(step, Draft):
        return f"grows: {ends[-1]:,} shards from before, {len(step.tasks) - ends[-1]:,} new ones"
    more = [f"{stop - start:,}" for start, stop in pairwise((*ends, len(step.shards)))]
    return f"grew: {ends[0]:,} shards, then {', then '.join(more)} more"


def settled(draft: Draft) -> set[str]:
    """The names of the tasks whose shards an earlier commit stated: no driver will tell of them again."""
    return {str(task["name"]) for task in draft.tasks[: draft.grown[-1].shards]} if draft.grown else set()
