"""Plan: the tasks of a source of URLs, and how they are extended when tables or lists are added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from manifests.errors import Refused
from stages.base import PriorState, Task
from stages.download.growth import numbered_after
from stages.download.settings import UrlsSettings, WhereSettings
from stages.download.urls.partition import Stretch, stretches
from stages.download.urls.table_listing import Table, tables
from stages.download.urls.where import bounds


def tasks(source: UrlsSettings, had: Sequence[str] = ()) -> list[Task]:
    """Return a task for each stretch: first of the tables in `had`, in that order, then of others, then of lists."""
    place = {uri: place for place, uri in enumerate(had)}
    found = sorted(tables(source), key=lambda table: (table.listed, place.get(table.uri, len(had))))
    facts = [
        {"source": source.name, **asdict(one), "bytes": table.bytes, "listed": table.listed}
        for table, one in _cut(tuple(found), source.where, source.shard_urls)
    ]
    return [Task(f"{source.name}-{number:05d}", one) for number, one in enumerate(facts)]


def extended(source: UrlsSettings, begun: PriorState) -> tuple[list[Task], list[Task]]:
    """Return the tasks that are kept and the new ones. Raises Refused if a settled task's table changed or is gone.

    A URL of a new table that an old table has is a duplicate, whatever the names of the two tables.
    """
    had = list(dict.fromkeys(str(task.facts["table"]) for task in begun.tasks))
    now = {_known_by(task.facts): task for task in tasks(source, had)}
    for task in begun.tasks[: begun.settled]:
        if _known_by(task.facts) not in now:
            raise Refused(
                f"{task.facts['table']}, of {task.facts['bytes']} bytes when its rows from {task.facts['first']} on "
                "were fetched, is not as it was, or a table that it shares URLs with is not"
            )
    kept = [task for task in begun.tasks if _known_by(task.facts) in now]
    known = {_known_by(task.facts) for task in kept}
    return kept, numbered_after(begun.tasks, [task for facts, task in now.items() if facts not in known])


def stretch_of(task: Task) -> Stretch:
    """Return the stretch that a task reads."""
    return Stretch(**{name: task.facts[name] for name in Stretch.__dataclass_fields__})


@lru_cache(maxsize=8)  # survey, plan and growth request the same within a second
def _cut(found: tuple[Table, ...], where: WhereSettings, most: int) -> list[tuple[Table, Stretch]]:
    """Return the stretches of each table. A list is divided by itself: its URLs are those of a table."""
    plain = {table.uri: dict(table.columns) for table in found if not table.listed}
    cut = stretches(plain, bounds(where), most)
    for table in found:
        if table.listed:  # all its rows, including those that were emptied since then
            whole = stretches({table.uri: dict(table.columns)}, (), most)
            cut += [replace(one, urls=one.rows) for one in whole]
    by_uri = {table.uri: table for table in found}
    return [(by_uri[one.table], one) for one in cut]


def _known_by(facts: Any) -> str:
    return repr(sorted(facts.items()))
