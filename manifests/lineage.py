"""Lineage: which settings made a manifest, from which inputs, with which code and weights.

The fingerprint is a short hash of all of it. It is compared, never used as an address: a changed
setting is reported with its name and both values, not discovered through an empty folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

Path = tuple[str | int, ...]  # the part of a lineage, then the keys and indexes below it


class Absent(Enum):
    """Not the same as null: the setting did not exist then, or does not exist now."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
EXTERNAL_STATE = "outside"  # its name in files since the first run


@dataclass(frozen=True)
class Difference:
    """One thing that changed: its dotted name, and both values; ABSENT if there is none."""

    name: str
    then: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.name} was {_short(self.then)}, now {_short(self.now)}"


@dataclass(frozen=True)
class Lineage:
    """Everything that determines a manifest's rows, as plain JSON values."""

    step: str
    stage: str  # the stage and the version of its method, "filter 1"
    table: str  # the table and its version, "pairs 1"
    settings: Mapping[str, Any]  # what the recipe says for this step, by its dotted name
    external_state: Mapping[str, Any]  # what was found outside the recipe: the source's files, the weights' hashes
    inputs: Mapping[str, str]  # step -> fingerprint of the manifests it reads

    @property
    def fingerprint(self) -> str:
        """16 hex digits of sha256 over the canonical JSON of this lineage."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def differences(self, now: Lineage) -> list[Difference]:
        """Return what changed from this lineage (then) to `now`, by dotted name; empty only if fingerprints agree."""
        then, asked = dict(_flat(self)), dict(_flat(now))
        paths = sorted({*then, *asked}, key=lambda path: (path[0] == "inputs", _dotted(path), str(path)))
        both = [(_dotted(path), then.get(path, ABSENT), asked.get(path, ABSENT)) for path in paths]
        return [Difference(*told) for told in both if not _same(*told[1:])]

    def leaves(self) -> list[tuple[str, Any]]:
        """Return every single value of it by dotted name, in order."""
        return [(_dotted(path), value) for path, value in _flat(self) if path != ("step",)]

    def to_json(self) -> dict[str, Any]:
        return {EXTERNAL_STATE if name == "external_state" else name: one for name, one in asdict(self).items()}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Lineage:
        others = {name: one for name, one in value.items() if name != EXTERNAL_STATE}
        return Lineage(**others, external_state=value[EXTERNAL_STATE])


def _flat(lineage: Lineage) -> Iterator[tuple[Path, Any]]:
    yield ("step",), lineage.step
    yield ("stage",), lineage.stage
    yield ("table",), lineage.table
    for part, values in (
        ("settings", lineage.settings),
        (EXTERNAL_STATE, lineage.external_state),
        ("inputs", lineage.inputs),
    ):
        if values:
            yield from _leaves((part,), values)


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and value:
        for name, child in value.items():
            yield from _leaves((*path, name), child)
    elif isinstance(value, (list, tuple)) and any(isinstance(child, Mapping) for child in value):
        for place, child in enumerate(value):
            yield from _leaves((*path, place), child)
    else:
        yield path, value


def _dotted(path: Path) -> str:
    # settings and external state are named by their own first key, which is the recipe's section
    return ".".join(str(step) for step in (path[1:] if path[0] in ("settings", EXTERNAL_STATE) else path))


def _same(then: Any, now: Any) -> bool:
    """Return whether both are equal to the fingerprint: true is not 1, and 1 is not 1.0."""
    if then is ABSENT or now is ABSENT:
        return then is now
    return json.dumps(then, sort_keys=True) == json.dumps(now, sort_keys=True)


def _short(value: Any) -> str:
    text = "nothing" if value is None else "absent" if value is ABSENT else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
