"""Settled: everything decided about a removal before the first row is removed, stored with the run until it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from manifests.errors import Refused
from manifests.manifest import json_bytes, parsed
from manifests.storage import Folder
from stages.removal import MOVED, Change

SETTLED = "_removing.json"


@dataclass(frozen=True)
class Settled:
    """What becomes of each step, and what its content was."""

    at: str  # of the intent it belongs to
    was: Mapping[str, Mapping[str, str]]  # step -> fingerprint -> content before
    changes: Mapping[str, Change]  # step -> what becomes of it

    def write(self, run: Folder) -> None:
        run.write(SETTLED, json_bytes(asdict(self)))

    @staticmethod
    def read(run: Folder, at: str, kinds: Mapping[str, type[Change]]) -> Settled | None:
        """Return what was settled for the intent with this time; None where that point was not reached.

        `kinds`: step -> the kind of its change.
        """
        found = parsed(run, SETTLED, lambda value: _settled(value, kinds)) if run.has(SETTLED) else None
        return found if found and found.at == at else None

    @staticmethod
    def end(run: Folder) -> None:
        """Remove this file, and that of the rows that moved."""
        run.forget(SETTLED)
        run.forget(MOVED)


def _settled(value: Any, kinds: Mapping[str, type[Change]]) -> Settled:
    if "touched" in value:
        raise Refused(f"{SETTLED} was written by an earlier version; finish the removal with that version")
    changes = {step: kinds[step](**change) for step, change in value["changes"].items()}
    return Settled(value["at"], value["was"], changes)
