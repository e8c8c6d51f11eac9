"""Versions: where a run's frozen questions and its authors' store lie.

Each freezing is a manifest of its own, `questions-1`, `questions-2`, ..., and never changes after its commit.
"""

from __future__ import annotations

from pathlib import Path

from manifests.errors import NotCommitted, Refused, Waiting
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.runs import QUESTIONS, question_versions, run_folder
from stages.author.store import NAME


def questions_folder(run: Folder, version: int) -> Folder:
    return run / f"{QUESTIONS}-{version}"


def frozen(run: str, version: int | None = None) -> tuple[int, Manifest]:
    """A version of a run's questions (the newest one by default) and its number.

    Raises Waiting where nothing is frozen, NotCommitted where this version is not.
    """
    folder = run_folder(run)
    there = question_versions(folder)
    if not there:
        raise Waiting(
            f"{run} has no questions yet: people write them with `blindpairs author {run}`, and "
            f"`blindpairs freeze {run}` makes a manifest of them"
        )
    number = there[-1] if version is None else version
    if number not in there:
        raise NotCommitted(f"{run} has no questions-{number}; versions are: {', '.join(map(str, there))}")
    return number, Manifest.open(questions_folder(folder, number))


def store_path(run: Folder, store: Path | None = None) -> Path:
    """Where the authors' store of a run lies: in its folder unless told. Raises Refused for a run in a bucket."""
    if store is not None:
        return store
    if (folder := run.local) is None:
        raise Refused(
            f"{run.url} is in a bucket, and what people write needs a local disk: name a file with --store, the "
            "same each time"
        )
    return folder / NAME
