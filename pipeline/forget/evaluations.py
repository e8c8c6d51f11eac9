"""Evaluations: remove forgotten images from each evaluation inside a run, while no other process drives it.

Questions are removed in groups, with all replies to them; what was made from the replies is discarded.
The run's own note of what is being removed keeps other processes from driving an evaluation until all is done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from manifests.manifest import Removed
from manifests.removal import Held, batches
from manifests.storage import Folder
from pipeline.forget.traces import naming, without_traces
from pipeline.run.layout import QUESTIONS, evaluations_of, sweep_evaluation
from pipeline.run.lease.lease import Lease, driving
from pipeline.run.removal.removable import evaluation
from pipeline.run.removal.settled import SETTLED
from pipeline.run.removal.without import check_steps, steps_held, without


class Evaluations:
    """A run's evaluations. Each is driven from when it is first found until `stack` is closed."""

    def __init__(self, run: Folder, stack: ExitStack) -> None:
        self._run, self._stack = run, stack
        self._leases: dict[str, Lease] = {}
        self._found()

    def check(self) -> None:
        """Raise Refused if another process drives one of them by now."""
        for lease in self._leases.values():
            lease.check()

    def check_steps(self) -> None:
        """Raise Refused, naming the shard, if one was changed since its commit."""
        for folder in self._found():
            check_steps(steps_held(folder, evaluation(folder)))

    def without(self, ids: Sequence[str], note: Removed, named: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Remove these images; return step -> number of rows removed. Can be repeated, which finishes a killed one.

        `named`: rows of the images, by which texts about them are found. An evaluation that asks about none of them
        keeps its steps as they are.
        """
        rows: dict[str, int] = {}
        for folder in self._found():
            if _is_about(folder, ids):
                removed = without(folder, ids, note, self.check, evaluation(folder))
                rows |= {f"{folder.name}/{step}": count for step, count in removed.items()}
            without_traces(folder, naming(named))
        return rows

    def are_about(self, ids: Collection[str]) -> bool:
        """Whether any of them asks about one of these images."""
        return any(_is_about(folder, ids) for folder in self._found())

    def _found(self) -> list[Folder]:
        """Return the evaluations there are now, and drive those that are new. Raises Refused if others drive one."""
        found = evaluations_of(self._run)
        for folder in found:
            if folder.name not in self._leases:
                self._leases[folder.name] = self._stack.enter_context(driving(folder))
                sweep_evaluation(folder)
        return found


def _is_about(folder: Folder, ids: Collection[str]) -> bool:
    """Whether an evaluation asks about one of these images, or may: its questions are unfinished or half removed."""
    held, gone = Held.of(folder / QUESTIONS), set(ids)
    if held is None or held.commit is None or folder.has(SETTLED):
        return True
    rows = (batch for name in held.shards() for batch in batches(held.folder, name, ("image_id", "images")))
    return any(gone & {row["image_id"], *row["images"]} for batch in rows for row in batch.to_pylist())
