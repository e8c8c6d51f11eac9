"""Evaluations made by hand: asked questions, what models replied, and all that is made of it, in a folder each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from world.committed import lineage_of

from manifests.counts import Counts, by_status
from manifests.draft import Draft
from manifests.evaluation_tables import ANSWERS, ASKED, PREDICTIONS, SCORES, VERDICTS
from manifests.lineage import Lineage
from manifests.manifest import Manifest, json_bytes
from manifests.schema import Schema
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from stages.evaluate.replies import Replies
from stages.models.answering.base import Question, Reply

Rows = Sequence[Mapping[str, Any]]


def step(
    folder: Path, schema: Schema, shards: Sequence[Rows], reads: Mapping[str, Manifest], *, missing: int = 0
) -> Manifest | None:
    """A step whose tasks are stretches of rows, one a shard; the last `missing` shards, and so the commit, lack.

    The stretches are counted by question, as the tasks of an evaluation are.
    """
    inputs = {name: read.lineage.fingerprint for name, read in reads.items()}
    known = lineage_of(schema)
    lineage = Lineage(folder.name, known.stage, known.table, known.settings, {}, inputs)
    tasks, start = [], 0
    for number, rows in enumerate(shards):
        stop = start + len({row["question_id"] for row in rows}) if rows and "question_id" in rows[0] else start
        tasks.append({"name": f"{number:05d}", "rows": [start, stop]})
        start = stop
    place = Folder(str(folder))
    draft = Draft.begin(place, lineage, tasks, {name: read.content for name, read in reads.items()})
    receipts = {}
    for task, rows in zip(tasks[: len(tasks) - missing], shards, strict=False):
        table = pa.Table.from_pylist(list(rows), schema=schema.columns)
        counts = by_status(table) if "status" in table.column_names else Counts(table.num_rows, table.num_rows)
        receipts[task["name"]] = write_shard(place, task["name"], schema, [Part(table, counts)])
    return draft.commit(receipts) if not missing else None


def question(group: int, place: int, image_ids: Sequence[str]) -> dict[str, Any]:
    """A row of ASKED about the image in this place of a group."""
    named = {"question_id": f"{group}/{place}", "place": 1, "group": f"group {group}", "kind": "choice"}
    asked = {"question": f"Is thing {group} open?", "options": ["Open", "Closed"], "answer": "ab"[place % 2]}
    image = {"image_id": image_ids[place], "images": list(dict.fromkeys(image_ids))}
    return dict.fromkeys(ASKED.columns.names) | named | asked | image


def prediction(model: str, asked: Mapping[str, Any], order: str = "as_written", status: str = "ok") -> dict[str, Any]:
    known = {"model": model, "question_id": asked["question_id"], "order": order, "vision": True, "seconds": 0.5}
    words = {"prompt": f"{asked['question']} by {model}", "response": f"reply to {asked['question_id']}"}
    return dict.fromkeys(PREDICTIONS.columns.names) | known | words | {"status": status}


def verdict(row: Mapping[str, Any]) -> dict[str, Any]:
    same = {name: row[name] for name in ("model", "question_id", "order", "prompt", "response", "status", "error")}
    return same | {"grader": "g", "verdict": "yes"}


def whole_evaluation(folder: Path, asked: Manifest) -> None:
    """All that an evaluation of these questions may hold: a finished model, graded and scored, and one begun."""
    rows = [row for one in asked.shards for row in asked.read(one.name).to_pylist()]
    cuts = [rows[:4], rows[4:10], rows[10:]]
    both = ("as_written", "reversed")
    done = [[prediction("one", row, order, ("ok", "failed")[n % 2]) for n, row in enumerate(cut) for order in both]
            for cut in cuts]  # fmt: skip
    made = step(folder / "predictions-one", PREDICTIONS, done, {"questions": asked})
    assert made is not None
    graded = [[verdict(row) for row in cut] for cut in done]
    step(folder / "verdicts-one", VERDICTS, graded, {"predictions-one": made, "questions": asked})
    begun = [[prediction("two", row) for row in cut] for cut in cuts]
    step(folder / "predictions-two", PREDICTIONS, begun, {"questions": asked}, missing=1)
    failure = {"task": "00002", "error": f"of {rows[0]['image_id']}: no", "trace": ""}
    (folder / "predictions-two/_failures.json").write_bytes(json_bytes([failure]))
    same = {**dict.fromkeys(ANSWERS.columns.names), "model": "one", "order": "as_written", "status": "ok"}
    answers = [same | {name: row[name] for name in ("question_id", "group")} for row in rows]
    read = step(folder / "answers", ANSWERS, [answers], {"predictions-one": made})
    assert read is not None
    score = dict.fromkeys(SCORES.columns.names) | {"model": "one", "category": "all", "metric": "group_accuracy"}
    step(folder / "scores", SCORES, [[score]], {"answers": read})
    (folder / "leaderboard.html").write_text(" ".join(row["image_id"] for row in rows))
    replies = Replies(Folder(str(folder / "_replies/two")), "asked of two")
    for row in rows:
        replies.keep(_put(row), Reply(f"kept reply to {row['question_id']}"))


def _put(row: Mapping[str, Any]) -> Question:
    return Question(row["question_id"], row["question"], b"bytes", ("A", "B"), "A")


def kept_replies(folder: Path, rows: Rows) -> list[str]:
    """The ids of those of these questions to which a reply is kept."""
    replies = Replies(Folder(str(folder / "_replies/two")), "asked of two")
    return [row["question_id"] for row in rows if replies.find(_put(row)) is not None]
