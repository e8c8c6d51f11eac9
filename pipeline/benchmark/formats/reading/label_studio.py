"""Reading Label Studio: its JSON export, task by task: which pair it is, and what the annotation that counts says.

For each task, the newest annotation that was not canceled counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from manifests.parsing import parse_json
from pipeline.benchmark.formats.reading.times import moment
from pipeline.benchmark.formats.writing.label_studio import offered
from stages.author.authored import BENCHMARK, CHOICES, OPEN, TEXTS, Ids, Unwritable, checked

KEYS = {"choices": "choices", "textarea": "text"}  # type of a result -> key of its value
WHAT = "export JSON from Label Studio (not JSON-MIN): a list of tasks with data and annotations"
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Annotated:
    """What a task says about its pair: the words, their author, and when they were written."""

    words: Mapping[str, str]
    author: str  # empty if nobody is named
    at: datetime | None


@dataclass(frozen=True)
class Returned:
    """A task: its place in the file, its pair, what the run had at the export, and what was annotated."""

    where: str
    pair: Ids
    before: Json | None
    annotated: Annotated | None


def returned_tasks(file: Path) -> list[Returned]:
    """Read every task of the file.

    Raises Refused, naming the task, for the first that is invalid or says what no pair can be.
    """
    return [_returned(task, f"task {place} of {file}") for place, task in enumerate(_tasks(file), 1)]


def _tasks(file: Path) -> Sequence[Any]:
    try:
        tasks = parse_json(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise Refused(f"{file} is not JSON ({error}); {WHAT}") from error
    if not isinstance(tasks, list) or not tasks:
        raise Refused(f"{file} is not a list of tasks; {WHAT}")
    return tasks


def _returned(task: Any, where: str) -> Returned:
    data, annotations = (task.get("data"), task.get("annotations", [])) if isinstance(task, dict) else (None, None)
    if not isinstance(data, dict) or not isinstance(annotations, list):
        raise Refused(f"{where} is not a task; {WHAT}")
    left, right, before = (data.get(name) for name in ("left_id", "right_id", "written"))
    if not isinstance(left, str) or not isinstance(right, str):
        raise Refused(f"{where} has no left_id and right_id in its data: it was not exported by blindpairs")
    known = [_annotated(one, where) for one in annotations if _counts(one, where)]
    newest = max(
        enumerate(known), key=lambda one: (one[1].at or datetime.min.replace(tzinfo=UTC), one[0]), default=None
    )
    return Returned(where, (left, right), before if isinstance(before, dict) else None, newest and newest[1])


def _counts(annotation: Any, where: str) -> bool:
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result", []), list):
        raise Refused(f"{where} has an annotation that is none; {WHAT}")
    return not annotation.get("was_cancelled")


def _annotated(annotation: Json, where: str) -> Annotated:
    told = annotation.get("updated_at") or annotation.get("created_at")
    try:
        at = moment(told) if told is not None else None
    except (TypeError, ValueError) as error:
        raise Refused(f"{where} was annotated at {str(told)[:40]!r}, which is not a time") from error
    return Annotated(_words(annotation, where), _author(annotation.get("completed_by")), at)


def _author(by: Any) -> str:
    """Return the annotator: Label Studio gives a number, or a person with a number and an address."""
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    return f"user {by}" if isinstance(by, int) else str(by or "").strip()


def _words(annotation: Json, where: str) -> dict[str, str]:
    """Return everything that people write about a pair; a control without a result was left empty."""
    found = dict.fromkeys((*CHOICES, *TEXTS), "") | {"decision": OPEN, "use": BENCHMARK}
    told = [_said(result, where) for result in annotation.get("result", [])]
    names = [name for name, _ in told]
    if twice := [name for name in names if names.count(name) > 1]:
        raise Refused(f"{where} has two results for {twice[0]}; keep one")
    try:
        return checked(found | dict(told))
    except Unwritable as error:
        raise Refused(f"{where}: {error}") from error


def _said(result: Any, where: str) -> tuple[str, str]:
    """Return the control of a result, and its one value."""
    name, kind, value = (
        (result.get(key) for key in ("from_name", "type", "value")) if isinstance(result, dict) else (None,) * 3
    )
    if name not in (*CHOICES, *TEXTS) or kind != ("choices" if name in CHOICES else "textarea"):
        raise Refused(f"{where} has a result of the control {name!r} ({kind!r}), which config.xml does not have")
    values = value.get(KEYS[kind]) if isinstance(value, dict) else None
    values = [values] if isinstance(values, str) else values  # some exports leave out the list around a single text
    if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
        raise Refused(f"{where}: {name} is {str(values)[:60]}, and not one text")
    if name in CHOICES and values[0] not in offered(name):
        raise Refused(f"{where}: {name} is one of {', '.join(offered(name))}, not {values[0][:40]!r}")
    return name, values[0]
