"""Intent: what is being removed from a run, written before anything changes and deleted when everything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from manifests.manifest import json_bytes, parsed
from manifests.storage import Folder
from pipeline.run.layout import REMOVAL

FORGET, AGAIN = "forget", "again"


@dataclass(frozen=True)
class Intent:
    """A removal in progress; the next command that reads it finishes a killed one."""

    kind: str  # FORGET, or AGAIN: the images return in new shards
    ids: tuple[str, ...]
    why: str  # for the lineage; names no image
    at: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}")
    payload: Mapping[str, Any] = field(default_factory=dict)

    def begin(self, run: Folder) -> None:
        """Write the intent, before any other change."""
        value = {"kind": self.kind, "why": self.why, "at": self.at, "payload": dict(self.payload)}
        run.write(REMOVAL, json_bytes(value | {"ids": list(self.ids)}))

    @staticmethod
    def read(run: Folder) -> Intent | None:
        """Return the interrupted removal, or None. Raises Refused if its file cannot be read."""
        return parsed(run, REMOVAL, _intent) if run.has(REMOVAL) else None

    def end(self, run: Folder) -> None:
        """Delete the file, which names the images, as the last change."""
        run.forget(REMOVAL)


def _intent(value: Any) -> Intent:
    return Intent(value["kind"], tuple(value["ids"]), value["why"], value["at"], value["payload"])
