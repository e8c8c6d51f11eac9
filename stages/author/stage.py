"""Author: turn what people have written so far into the questions table. One task.

A pair that people kept and completed becomes two rows, one for each image; every other pair that they touched is
counted with what happened to it. People's work is a source like any other: its hash is in the lineage.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from manifests.counts import Counts
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import OK, QUESTIONS, question_id
from stages.author.authored import KEPT, Authored, Ids
from stages.author.origins import origins
from stages.author.question_order import Placed, placed
from stages.author.store import Store
from stages.author.valid_answers import Given, counted
from stages.base import Reads, Stage, Task

UNFINISHED = "not_written_out"  # kept, but the question is not complete
IMAGE_GONE = "image_gone"  # the run no longer has the image


class Author(Stage):
    """Turns the store of a run into the questions table."""

    name = "author"
    unit = "pairs"

    def __init__(self, store: Path) -> None:
        self.store = store

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def schema(self) -> Schema:
        return QUESTIONS

    def table(self) -> tuple[str, int]:
        return QUESTIONS.name, QUESTIONS.version

    def external_state(self) -> Mapping[str, Any]:
        """Return sha256 of what people wrote and who answered what. Raises Refused if the store cannot be opened."""
        pairs, given = self._written
        answers = sorted([*one.ids, one.side, one.person, one.right] for one in given)
        text = json.dumps([[_lasting(pair) for pair in pairs], answers], sort_keys=True)
        return {"author": {"sha256": hashlib.sha256(text.encode()).hexdigest()}}

    def plan(self, reads: Reads) -> list[Task]:
        return [Task("all")]

    def expected(self, reads: Reads) -> int:
        return len(self._written[0])

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        """Yield the table. `reads`: `images`, and as far as there are any `pairs`, `questions` and `candidates`."""
        pairs, there = self._written[0], _images(reads)
        whole = [pair for pair in pairs if pair.whole and {*pair.ids} <= there]
        rest = {pair.ids: pair for pair in pairs}
        for pair in whole:
            del rest[pair.ids]
        found = origins({pair.ids for pair in whole}, reads, self._chosen)
        rows = [
            row | found[one.pair.ids].to_json()
            for place, one in enumerate(placed(whole))
            for row in self._rows(one, 2 * place)
        ]
        tally = Counter(_lost(pair) for pair in rest.values())
        counts = Counts(len(pairs), len(whole), dict(sorted(tally.items())))
        yield Part(pa.Table.from_pylist(rows, schema=QUESTIONS.columns), counts)

    @cached_property
    def _written(self) -> tuple[Sequence[Authored], Sequence[Given]]:
        """Everything in the store that counts, read once, so that what is hashed is what is written."""
        with closing(Store(self.store)) as store:
            pairs, answers = [pair for pair in store.pairs() if not pair.blank], store.answers()
        return pairs, counted(pairs, answers).given

    @property
    def written(self) -> Sequence[Authored]:
        """What people wrote, without pairs that say nothing."""
        return self._written[0]

    @cached_property
    def _chosen(self) -> Mapping[Ids, str]:
        with closing(Store(self.store)) as store:
            return store.chosen()

    @cached_property
    def _people(self) -> Mapping[tuple[str, str, str], Sequence[Given]]:
        """Who answered, for each pair and side."""
        people = defaultdict[tuple[str, str, str], list[Given]](list)
        for one in sorted(self._written[1], key=lambda one: one.person):
            people[*one.ids, one.side].append(one)
        return people

    def _rows(self, one: Placed, before: int) -> Iterator[dict[str, Any]]:
        for place, side in enumerate(one.sides, before + 1):
            yield self._row(one.pair, side) | {"place": place}

    def _row(self, pair: Authored, side: str) -> dict[str, Any]:
        ids = pair.ids
        answered = self._people.get((*ids, side), ())
        return {
            "question_id": question_id(*ids, side),
            "left_id": ids[0],
            "right_id": ids[1],
            "side": side,
            "image_id": ids[side == "right"],
            "use": pair.use,
            "pattern": pair.pattern or None,
            "question": pair.question if pair.asks else None,
            "options": [pair.option_a, pair.option_b] if pair.asks else None,
            "answer": pair.answer(side) if pair.asks else None,
            "statement": pair.statement(side) if pair.states else None,
            "author": pair.author,
            "authored_at": pair.authored_at,
            "reviewed_by": [one.person for one in answered],
            "missed_by": [one.person for one in answered if not one.right],
        }


def _images(reads: Reads) -> set[str]:
    """Return the images that the run has."""
    batches = reads["images"].batches(("image_id", "status"))
    return {row["image_id"] for batch in batches for row in batch.to_pylist() if row["status"] == OK}


def _lost(pair: Authored) -> str:
    """Return what happened to a pair that is not in the table."""
    return IMAGE_GONE if pair.whole else UNFINISHED if pair.decision == KEPT else pair.decision


def _lasting(pair: Authored) -> dict[str, Any]:
    """Return what is said about a pair, not how often or by whom it was changed: an undone change leaves no trace."""
    return pair.to_json() | {"version": 0, "changed_by": "", "changed_at": ""}
