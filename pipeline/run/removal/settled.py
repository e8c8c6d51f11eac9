"""Settled: everything decided about a removal before the first row is removed, stored with the run until it is done.

Rows of the sketches are identified by number, copies by the image that represents them: neither can be looked up
again once some shards have been rewritten. So a removal that was killed continues from this file.
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
    """What is removed, what changes, and what the counts are afterwards."""

    at: str  # of the intent it belongs to
    rows: dict[str, int] = field(default_factory=dict)  # step -> rows that are removed
    touched: dict[str, list[str]] = field(default_factory=dict)  # step -> shards that are rewritten
    was: dict[str, dict[str, str]] = field(default_factory=dict)  # step -> fingerprint -> content before
    stands: Mapping[str, str] = field(
        default_factory=dict
    )  # removed image -> the image that then represents its copies
    alone: Sequence[str] = ()  # copies whose bytes no other image still has: only the vectors are the same
    lots: Mapping[str, int] = field(default_factory=dict)  # shard of the copies -> number of images it covers
    tasks: Sequence[Mapping[str, Any]] = ()  # the search's tiles, with the blocks as they are afterwards
    tiles: Mapping[str, Sequence[int]] = field(default_factory=dict)  # tile -> pairs seen, pairs compared
    missing: Sequence[str] = ()  # tiles of an unfinished search that must be made again

    def write(self, run: Folder) -> None:
        run.write(SETTLED, json_bytes(asdict(self)))

    @staticmethod
    def read(run: Folder, at: str) -> Settled | None:
        """Return what was settled for the intent with this time; None where that point was not reached."""
        found = parsed(run, SETTLED, lambda value: Settled(**value)) if run.has(SETTLED) else None
        return found if found and found.at == at else None

    @staticmethod
    def end(run: Folder) -> None:
        """Remove this file, and that of the rows that moved."""
        run.forget(SETTLED)
        run.forget(MOVED)
