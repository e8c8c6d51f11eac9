"""Growth: a source with one task for each file may get more files; the files it had must be unchanged.

The tasks themselves record the location and bytes of their files. So a file is recognized by both,
new files are numbered after the old, whatever their names, and a changed file can be named. A new file
that was withdrawn or repaired before its growth was committed does not matter: nothing was made from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifests.errors import Refused
from stages.base import PriorState, Task

PLACES = ("uri", "table")  # facts in which a task names its file


def grown(begun: PriorState, now: Sequence[Task]) -> tuple[list[Task], list[Task]]:
    """Return the tasks of one source that are kept, and its new tasks. `now`: what it would plan from scratch.

    Raises Refused if the file of a settled task changed or is gone; any other such task is left out, and
    a changed file then counts as a new file.
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
    """Return the new tasks of a source, under numbers that none of its earlier tasks has."""
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
