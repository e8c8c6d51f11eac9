"""Failures: what is kept and said of the tasks of a step that failed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress

from manifests.draft import Draft
from manifests.errors import TasksFailed
from manifests.shard import Receipt
from manifests.storage import Folder
from pipeline.executors.worker import Fault, Outcome
from pipeline.run.layout import FAILURES
from stages.text import size_text


def failed(draft: Draft, made: Mapping[str, Receipt], failures: Sequence[Outcome], tasks: int) -> TasksFailed:
    """Write the failures beside the shards, for `blindpairs status`, and return the error that says what to do.

    `made`: the shards made now; `tasks`: how many were to be made.
    """
    full = any(one.fault is Fault.DISK for one in failures)
    with suppress(OSError) if full else nullcontext():  # a full disk may not take them
        _write(draft.folder, failures)
    return TasksFailed(_disk_full(draft, made) if full else _told(draft.folder, failures, tasks))


def _write(folder: Folder, failures: Sequence[Outcome]) -> None:
    value = [{"task": one.name, "error": one.error, "trace": one.trace} for one in failures]
    folder.write(FAILURES, (json.dumps(value, indent=1) + "\n").encode())


def _disk_full(draft: Draft, made: Mapping[str, Receipt]) -> str:
    """Say how much room there is, and how much the missing shards need if they are as large as those that exist."""
    missing, free = len(draft.missing()), draft.folder.free_bytes()
    each = sum(receipt.bytes for receipt in made.values()) / len(made) if made else 0
    there = "" if free is None else f", {size_text(free)} are free"
    needed = f", about {size_text(each * missing)} are needed" if each else ""
    return (
        f"{draft.folder.url}: No space left on device{there}{needed} for {missing} more shard{'s' * (missing != 1)}; "
        "make room or use a larger disk, and the same command continues with them"
    )


def _told(folder: Folder, failures: Sequence[Outcome], tasks: int) -> str:
    """Summarise the failures in one sentence."""
    first = failures[0]
    names = ", ".join(one.name for one in failures[:10]) + (" ..." if len(failures) > 10 else "")
    return (
        f"{folder.url}: {len(failures)} of {tasks} tasks failed ({names}); the first: {first.error} - the others "
        f"are kept; the same command takes up only these. Details: {folder.url}/{FAILURES}"
    )
