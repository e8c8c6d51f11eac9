"""Growth: a source of which one file is one task may get more files; those it had must be as they were.

Which files these are is in the tasks themselves: place and bytes. So a file is known again by both,
new ones are numbered after the old, whatever their names, and what changed can be named. A new file
that was withdrawn or mended before its growth was committed is no matter: nothing was made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifests.errors import Refused
from stages.base import PriorState, Task
from stages.download.settings import SourceSettings

PLACES = ("uri", "table")  # what a task calls its file


def grows(source: Mapping[str, Any] | SourceSettings) -> bool:
    """Whether new files of a source are new tasks: not so in a folder, of which a task is a stretch.

    Of imagenet only some forms grow: its source says so itself, of whatever uri.
    """
    kind = source.kind if isinstance(source, SourceSettings) else source["kind"]
    return kind in ("shards", "img2dataset", "parquet", "imagenet", "urls")


def grown(begun: PriorState, now: Sequence[Task]) -> tuple[list[Task], list[Task]]:
    """The tasks of one source that go on, and its new ones. `now`: what it would plan if nothing were there.

    Raises Refused where the file of a settled task changed or is gone; another such task is left out, and
    a changed file is then a new one.
    """
    settled = {task.name for task in begun.tasks[: begun.settled]}
    lying = {_place(task): task.facts for task in now}
    as_it_was = {task.name: lying.get(_place(task)) == task.facts for task in begun.tasks}
    if lost := [task for task in begun.tasks if task.name in settled and not as_it_was[task.name]]:
        raise Refused(_changed(lost[0], lying.get(_place(lost[0]))))
    kept = [task for task in begun.tasks if as_it_was[task.name]]
    old = {_place(task) for task in kept}
    return kept, numbered_after(begun.tasks, [task for task in now if _place(task) not in old])


def numbered_after(begun: Sequence[Task], new: Sequence[Task]) -> list[Task]:
    """The new tasks of a source, under numbers that none of its earlier ones has."""
    first = 1 + max((_number(task) for task in begun), default=-1)
    return [Task(f"{_stem(task)}-{first + place:05d}", task.facts) for place, task in enumerate(new)]


def _place(task: Task) -> str:
    return next(str(task.facts[name]) for name in PLACES if name in task.facts)


def _stem(task: Task) -> str:
    return task.name.rpartition("-")[0]


def _number(task: Task) -> int:
    return int(task.name.rpartition("-")[2])


def _changed(task: Task, now: Mapping[str, Any] | None) -> str:
    if now is None:
        return f"{_place(task)} is no longer there"
    if "bytes" not in task.facts:
        return f"the plan is of a version that did not say how many bytes {_place(task)} had"
    return f"{_place(task)} had {task.facts['bytes']} bytes then and has {now['bytes']}"
