"""Returning: write people's work in Label Studio back to the store of the run that the tasks came from.

All of the file is checked before any pair is written. A task is written if it differs from the run. If somebody changed
the pair in the run since the export, a task that still says what it said then is ignored, and of two changes the later
one is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from pipeline.benchmark.formats.import_summary import ReturnedSummary
from pipeline.benchmark.formats.reading.label_studio import Annotated, Returned, returned_tasks
from pipeline.benchmark.formats.reading.times import moment
from pipeline.benchmark.formats.writing.label_studio import FORM, ranked, words_of, written_pairs
from pipeline.benchmark.photos import photos_of
from pipeline.run.run import Run
from stages.author.authored import WORDS, Authored, Ids
from stages.author.store import Conflict, Store, utc_now


def read_label_studio(run: Run, store: Path, file: Path, by: str) -> ReturnedSummary:
    """Write the annotations in `file` as their annotators' work; `by` is the author if none is named.

    Raises Refused, with nothing written, naming the task, for a pair that is not the run's, or for what no pair can
    hold.
    """
    tasks = returned_tasks(file)
    _check_known(run, tasks, written_pairs(store))
    while True:
        answer, news = _decided(run, tasks, written_pairs(store), by)
        try:
            _adopt(news, store)
        except Conflict:  # somebody wrote meanwhile: decide again
            continue
        return answer


def _decided(
    run: Run, tasks: Sequence[Returned], written: Mapping[Ids, Authored], by: str
) -> tuple[ReturnedSummary, list[Authored]]:
    """Decide what to write over people's work in the run, and summarize it."""
    known = [(task, written.get(task.pair, Authored(*task.pair))) for task in tasks]
    changed = [(task, now) for task, now in known if task.annotated and _is_news(task, task.annotated, now)]
    kept = {task.pair: None for task, now in changed if task.annotated and _is_older(task, task.annotated, now)}
    news = [_authored(task.annotated, now, by) for task, now in changed if task.annotated and task.pair not in kept]
    return ReturnedSummary(run.url, len(news), len(tasks) - len(changed), [" ".join(pair) for pair in kept]), news


def _check_known(run: Run, tasks: Sequence[Returned], written: Mapping[Ids, Authored]) -> None:
    """Raise Refused if a pair appears twice, has an image that is not in the run, or is not a pair of the run."""
    photos, pairs = photos_of(run, {one for task in tasks for one in task.pair}), ranked(run)
    first: dict[Ids, str] = {}
    for task in tasks:
        if lost := [one for one in task.pair if one not in photos]:
            raise Refused(f"{task.where}: the image {lost[0][:40]} is not among those of {run}; name the run it is of")
        if task.pair not in pairs and task.pair not in written:
            raise Refused(f"{task.where}: {' and '.join(task.pair)} are not a pair of {run}; name the run they are of")
        if first.setdefault(task.pair, task.where) != task.where:
            raise Refused(f"{task.where} is about the same pair as {first[task.pair]}; keep one of the two")


def _is_news(task: Returned, annotated: Annotated, now: Authored) -> bool:
    """Whether it says something that the run does not, unless that is only what the task said when it was exported."""
    if not now.draft and annotated.words == words_of(now):
        return False
    return _is_of_label_studio(now) or {**annotated.words, "draft": ""} != task.before


def _is_older(task: Returned, annotated: Annotated, now: Authored) -> bool:
    """Whether the pair was changed in the run after the export, and after the annotation."""
    if _is_of_label_studio(now) or {**words_of(now), "draft": now.draft} == task.before:
        return False
    return annotated.at is not None and moment(now.changed_at) > annotated.at


def _is_of_label_studio(now: Authored) -> bool:
    """Whether the run's version of the pair came from Label Studio, or the run has none."""
    return not now.version or now.changed_by == FORM.name


def _authored(annotated: Annotated, now: Authored, by: str) -> Authored:
    """Return the pair as annotated; its author is the person who wrote its words, not the one who decided on it."""
    words: dict[str, Any] = {**annotated.words, "draft": ""}
    changed = replace(now, **words)
    if now.author and not now.draft and all(getattr(now, name) == getattr(changed, name) for name in WORDS):
        return changed
    at = annotated.at.astimezone(UTC).isoformat(timespec="seconds") if annotated.at else utc_now()
    return replace(changed, author=annotated.author or by, authored_at=at)


def _adopt(pairs: Sequence[Authored], store: Path) -> None:
    if not pairs:  # opening it would create it
        return
    with closing(Store(store)) as opened:
        opened.adopt(pairs, FORM.name)
