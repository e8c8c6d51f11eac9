"""Errors: what can go wrong, sorted as a person who runs the program would sort it.

BlindpairsError
├── Refused            the request is wrong; nothing was started         exit 2
│   └── NotCommitted   a manifest that is not (yet) there                exit 2
├── TasksFailed        some tasks failed; the rest is done and kept      exit 1
├── Waiting            people have not yet written what is needed        exit 3
├── Damaged            a shard's rows are not those that were written    exit 1
└── Unbalanced         rows went missing: a defect in this program       exit 1
"""

from __future__ import annotations


class BlindpairsError(Exception):
    """Any error this project raises on purpose; its text says what, where and what to do."""

    exit_code = 1


class Refused(BlindpairsError):
    """The request cannot be carried out as given; raised before any work."""

    exit_code = 2


class NotCommitted(Refused):
    """A manifest that has no `_lineage.json` yet was opened."""


class Waiting(BlindpairsError):
    """The request waits for people's work; the text says for what, and with which command they provide it."""

    exit_code = 3


class TasksFailed(BlindpairsError):
    """Tasks of a step failed; the other tasks' shards are kept and the next run repeats only the failed tasks."""


class Damaged(BlindpairsError):
    """A shard does not read as it was written: a disk, a copy or a person changed it."""


class Unbalanced(BlindpairsError):
    """Counts do not add up, a shard is missing or was never planned, or one image has two rows."""
