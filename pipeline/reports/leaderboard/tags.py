"""Tags: which kinds of models got a group of questions right and which did not. Each tag is a filter of the page."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.reports.leaderboard.compared import judged
from pipeline.reports.leaderboard.evaluation import Model

ALL_WRONG, ALL_RIGHT, SPLIT = "all-wrong", "all-right", "split"
ONLY_MATCHING, ONLY_ANSWERING, UNREAD = "only-clip-wrong", "only-answering-wrong", "unread"
TITLES = {
    ALL_WRONG: "all wrong",
    ONLY_MATCHING: "only CLIP wrong",
    ONLY_ANSWERING: "only CLIP right",
    SPLIT: "models disagree",
    ALL_RIGHT: "all right",
    UNREAD: "a reply was not read",
}


def tags_of(models: Sequence[Model], group: str) -> frozenset[str]:
    """Return the tags of a group. Models not shown the image, and built-in ones, are not counted (`judged`)."""
    asked = [one for one in judged(models) if one.was_asked(group)]
    right = {one.name: one.all_right(group) for one in asked}
    clip = [right[one.name] for one in asked if one.matching]
    others = [right[one.name] for one in asked if not one.matching]
    found = {
        ALL_WRONG: bool(right) and not any(right.values()),
        ALL_RIGHT: bool(right) and all(right.values()),
        SPLIT: len(set(right.values())) > 1,
        ONLY_MATCHING: bool(clip) and not any(clip) and any(others),
        ONLY_ANSWERING: any(clip) and bool(others) and not any(others),
        UNREAD: any(set(outcome.statuses) != {"ok"} for one in models for outcome in one.sheet.groups.get(group, ())),
    }
    return frozenset(name for name, true in found.items() if true)
