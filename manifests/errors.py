"""What can go wrong, as a person running it would sort it.

BlindpairsError
├── Refused            the asking is wrong; nothing was started          exit 2
│   └── NotCommitted   a manifest that is not (yet) there                exit 2
├── TasksFailed        some tasks failed; the rest is done and kept      exit 1
├── Waiting            for people: what they are to write is not there   exit 3
├── Damaged            a shard's rows are not those that were written    exit 1
└── Unbalanced         rows went missing: a defect of this program       exit 1
"""

from __future__ import annotations


class BlindpairsError(Exception):
    """Any error this project raises on purpose; its text says what, where and what to do."""

    exit_code = 1


class Refused(BlindpairsError):
    """What was asked for cannot be done as asked; raised before any work."""

    exit_code = 2


class NotCommitted(Refused):
    """A manifest was opened that has no `_lineage.json` yet."""


class Waiting(BlindpairsError):
    """What was asked for waits for people: says for what, and with which command they give it."""

    exit_code = 3


class TasksFailed(BlindpairsError):
    """Tasks of a step failed; their siblings are kept and the next run takes up only these."""


class Damaged(BlindpairsError):
    """A shard does not read as it was written: a disk, a copy or a hand changed it."""


class Unbalanced(BlindpairsError):
    """Counts do not add up, a shard is missing or was never planned, or one image has two rows."""
