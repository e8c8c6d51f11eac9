"""Removable: the folders from which rows are removed, a run and each of its evaluations, and what becomes of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from manifests.manifest import COMMIT
from manifests.storage import Folder
from pipeline.run.layout import ANSWERS, GALLERY, LEADERBOARD, ORDER, PLANTED, QUESTIONS, REPLIED, REPLIES, SCORES
from pipeline.run.recipe import STAGES
from stages.evaluate.removal import GroupsChange, RepliesChange
from stages.evaluate.replies import SEPARATOR, start_of
from stages.removal import Change

Changes = Mapping[str, Change]


@dataclass(frozen=True)
class Removable:
    """The steps of a folder, in order.

    `changes`: what becomes of their rows; a step without is discarded, for the next run makes it at little cost.
    `shows`: files that show images, which are removed. `also`: what else is removed from a folder once it is decided
    what becomes of its steps; can be repeated.
    """

    order: tuple[str, ...]
    changes: Mapping[str, type[Change]]
    shows: tuple[str, ...]
    also: Callable[[Folder, Changes], None] = lambda folder, changes: None


RUN = Removable(
    ORDER, {step: STAGES[step].change for step in ORDER if not STAGES[step].rebuildable}, (GALLERY, PLANTED)
)


def evaluation(folder: Folder) -> Removable:
    """Return the steps of an evaluation: its questions, what each model replied, and what was made of that.

    Without the questions, which are made in seconds, nobody knows which replies are about an image: all are discarded.
    """
    replied = [name for name in folder.folders() if REPLIED.fullmatch(name)]
    changes: dict[str, type[Change]] = {QUESTIONS: GroupsChange, **dict.fromkeys(replied, RepliesChange)}
    is_known = (folder / QUESTIONS).has(COMMIT)
    return Removable((*changes, ANSWERS, SCORES), changes if is_known else {}, (LEADERBOARD,), _drop_replies)


def _drop_replies(folder: Folder, changes: Changes) -> None:
    """Remove kept replies to removed questions; if it is not known what was asked, all of them."""
    asked = changes.get(QUESTIONS)
    gone = {start_of(question) for question in asked.questions} if isinstance(asked, GroupsChange) else None
    for model in (folder / REPLIES).folders():
        kept = folder / REPLIES / model
        for name in kept.sizes():
            start, separator, _ = name.partition(SEPARATOR)
            if gone is None or start in gone or not separator:
                kept.forget(name)
