"""Settled: all that is decided of a removal before the first row goes, kept beside the run until it is done.

Rows of the sketches are known by number, copies by what stands for them: neither can be asked again once
some shards were written anew. So a removal that was killed goes on from this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from manifests.manifest import json_bytes, parsed
from manifests.storage import Folder

SETTLED, MOVED = "_removing.json", "_removing.parquet"


@dataclass(frozen=True)
class Settled:
    """What goes, what changes, and what the counts are then."""

    at: str  # of the intent it belongs to
    rows: dict[str, int] = field(default_factory=dict)  # step -> rows that go
    touched: dict[str, list[str]] = field(default_factory=dict)  # step -> shards that are written again
    was: dict[str, dict[str, str]] = field(default_factory=dict)  # step -> fingerprint -> content before
    stands: Mapping[str, str] = field(default_factory=dict)  # image that goes -> which stands for its copies then
    alone: Sequence[str] = ()  # copies whose bytes no other image has any more: only the vectors are the same
    lots: Mapping[str, int] = field(default_factory=dict)  # shard of the copies -> images it is about
    tasks: Sequence[Mapping[str, Any]] = ()  # the search's tiles, of the blocks as they lie then
    tiles: Mapping[str, Sequence[int]] = field(default_factory=dict)  # tile -> pairs seen, pairs compared
    missing: Sequence[str] = ()  # tiles of an unfinished search that must be made again

    def write(self, run: Folder) -> None:
        run.write(SETTLED, json_bytes(asdict(self)))

    @staticmethod
    def read(run: Folder, at: str) -> Settled | None:
        """What was settled for the intent of this time; None where that was not reached."""
        found = parsed(run, SETTLED, lambda value: Settled(**value)) if run.has(SETTLED) else None
        return found if found and found.at == at else None

    @staticmethod
    def end(run: Folder) -> None:
        """Remove it, and the rows that moved."""
        run.forget(SETTLED)
        run.forget(MOVED)
