"""Lineage: which settings made a manifest, out of what, by which code and weights.

The fingerprint is a short hash of all of it. It is compared, never used as an address: a changed
setting is told by name and both values, not found out by an empty folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was: its dotted name, and both values."""

    name: str
    then: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.name} was {_short(self.then)}, now {_short(self.now)}"


@dataclass(frozen=True)
class Lineage:
    """All that decides a manifest's rows, as plain JSON values."""

    step: str
    stage: str  # the stage and the version of its method, "filter 1"
    table: str  # the table and its version, "pairs 1"
    settings: Mapping[str, Any]  # what the recipe says for this step, by its dotted name
    outside: Mapping[str, Any]  # what was found outside: the source's files, the weights' hashes
    inputs: Mapping[str, str]  # step -> fingerprint of the manifests it reads

    @property
    def fingerprint(self) -> str:
        """16 hex digits of sha256 over the canonical JSON of this lineage."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def differences(self, now: Lineage) -> list[Difference]:
        """What changed from this lineage (then) to `now`, by dotted name."""
        then, asked = dict(_flat(self)), dict(_flat(now))
        names = sorted({*then, *asked}, key=lambda name: (name.startswith("inputs."), name))
        return [
            Difference(name, then.get(name), asked.get(name)) for name in names if then.get(name) != asked.get(name)
        ]

    def leaves(self) -> list[tuple[str, Any]]:
        """Every single value of it by dotted name, in order."""
        return list(_flat(self))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Lineage:
        return Lineage(**value)


def _flat(lineage: Lineage) -> Iterator[tuple[str, Any]]:
    yield "stage", lineage.stage
    yield "table", lineage.table
    yield from _leaves("", lineage.settings)
    yield from _leaves("", lineage.outside)
    yield from _leaves("inputs", lineage.inputs)


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, child in value.items():
            yield from _leaves(f"{prefix}.{name}" if prefix else name, child)
    elif isinstance(value, list) and any(isinstance(child, Mapping) for child in value):
        for place, child in enumerate(value):
            yield from _leaves(f"{prefix}.{place}", child)
    else:
        yield prefix, value


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
