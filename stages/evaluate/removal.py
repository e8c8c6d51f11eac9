"""Removal: questions about forgotten images are removed with their whole groups, and so is what models replied.

A group counts as one, so what is left of it would measure something else. Tasks know their questions by the numbers of
their rows, and these numbers move up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from manifests.counts import Counts, by_status
from manifests.removal import Held, batches, schema_of
from manifests.shard import Part, read_receipt
from stages.removal import Change, Removal

ROWS = "rows"  # the fact of a task that says its first question and that after its last


@dataclass(frozen=True)
class GroupsChange(Change):
    """The asked questions: each group with a removed image is removed."""

    questions: Sequence[str] = ()  # by question_id, that are removed

    @classmethod
    def decided(cls, removal: Removal, step: str) -> Self:
        held, gone = removal.steps[step], set(removal.gone.to_pylist())
        columns = ("question_id", "group", "image_id", "images")
        rows = [(name, row) for name in held.shards() for row in _rows(held, name, columns)]
        groups = {row["group"] for _, row in rows if gone & {row["image_id"], *row["images"]}}
        out = [row["group"] in groups for _, row in rows]
        removed = [(name, row["question_id"]) for (name, row), is_out in zip(rows, out, strict=True) if is_out]
        touched, questions = dict.fromkeys(name for name, _ in removed), [question for _, question in removed]
        return cls(len(removed), list(touched), tasks=_moved_up(held.tasks, out), questions=questions)

    def parts(self, removal: Removal, held: Held, name: str) -> Iterator[Part]:
        yield _without(held, name, self.questions)


@dataclass(frozen=True)
class RepliesChange(Change):
    """What is known of each question, such as a model's predictions: that of removed questions is removed."""

    needs: ClassVar[tuple[str, ...]] = ("questions",)
    questions: Sequence[str] = ()

    @classmethod
    def decided(cls, removal: Removal, step: str) -> Self:
        held, asked, change = removal.steps[step], removal.steps["questions"], removal.changes["questions"]
        questions = list(change.questions) if isinstance(change, GroupsChange) else []
        gone = set(questions)
        counts = {name: sum(one in gone for one in _question_ids(held, name)) for name in held.shards()}
        out = [one in gone for name in asked.shards() for one in _question_ids(asked, name)]
        touched = [name for name, count in counts.items() if count]
        return cls(sum(counts.values()), touched, tasks=_moved_up(held.tasks, out), questions=questions)

    def parts(self, removal: Removal, held: Held, name: str) -> Iterator[Part]:
        yield _without(held, name, self.questions)


def _without(held: Held, name: str, questions: Sequence[str]) -> Part:
    """Return a shard's rows and counts without these questions; of a shard that was rewritten already, the same."""
    then, schema = read_receipt(held.folder, name).counts, schema_of(held.folder, name)
    rows = pa.Table.from_batches(batches(held.folder, name), schema.columns)
    out = pc.is_in(rows.column("question_id"), pa.array(questions, pa.string()))
    lost = rows.filter(out)
    counted = by_status(lost) if "status" in schema.columns.names else Counts(lost.num_rows, lost.num_rows)
    left = {why: count - counted.rejected.get(why, 0) for why, count in then.rejected.items()}
    rejected = {why: count for why, count in left.items() if count > 0}
    counts = Counts(then.seen - counted.seen, then.ok - counted.ok, rejected, then.aside)
    return Part(rows.filter(pc.invert(out)), counts)


def _moved_up(tasks: Sequence[Mapping[str, Any]], out: Sequence[bool]) -> list[dict[str, Any]]:
    """Return the tasks with the numbers that their rows have without those that are `out`; none if nothing changes."""
    before = list(accumulate(out, initial=0))
    moved = [
        dict(task) | ({ROWS: [row - before[min(row, len(out))] for row in task[ROWS]]} if ROWS in task else {})
        for task in tasks
    ]
    return moved if moved != list(tasks) else []


def _question_ids(held: Held, name: str) -> Iterator[str]:
    return (row["question_id"] for row in _rows(held, name, ("question_id",)))


def _rows(held: Held, name: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    return (row for batch in batches(held.folder, name, columns) for row in batch.to_pylist())
