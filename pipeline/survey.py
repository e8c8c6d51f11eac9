"""Survey: before any work, what each step of a run needs: take it, finish it, make it, or refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from manifests.draft import Draft
from manifests.errors import Refused
from manifests.lineage import Difference, Lineage
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.recipe import Step


class State(StrEnum):
    """What a step needs."""

    TAKE = "take"  # committed, same fingerprint
    FINISH = "finish"  # begun, same fingerprint: only the missing shards
    MAKE = "make"  # nothing there yet
    REMAKE = "make again"  # cheap, and its settings changed


@dataclass(frozen=True)
class Finding:
    """One step, the lineage it must have, and what it needs; `changed` says why it is made again."""

    step: Step
    folder: Folder
    lineage: Lineage
    state: State
    changed: tuple[Difference, ...] = ()
    unseen: str = ""  # why its source or weights could not be looked at again


def survey(steps: Sequence[Step], run: Folder) -> list[Finding]:
    """Look at every step before anything is started.

    Raises Refused where sources or weights are not there, or where a step that is dear to make was
    made with other settings: the message names the first of them with both values.
    """
    findings: list[Finding] = []
    fingerprints: dict[str, str] = {}
    for step in steps:
        outside, unseen = _outside(step, run / step.name)
        lineage = _lineage(step, outside, fingerprints)
        fingerprints[step.name] = lineage.fingerprint
        findings.append(replace(_finding(step, run / step.name, lineage), unseen=unseen))
    return findings


def _outside(step: Step, folder: Folder) -> tuple[Mapping[str, Any], str]:
    """What the step finds outside; of a finished step of these settings what it found then, if it cannot be asked.

    So a filter can be changed while the disk with the photos, or the weights, are elsewhere.
    """
    try:
        return step.stage.outside(), ""
    except Refused as refusal:
        then = Manifest.open(folder).lineage if folder.has(COMMIT) else None
        if then is None or then.settings != step.stage.settings:
            raise
        return then.outside, str(refusal)


def _lineage(step: Step, outside: Mapping[str, Any], fingerprints: dict[str, str]) -> Lineage:
    stage, (table, version) = step.stage, step.stage.table()
    inputs = {name: fingerprints[name] for name in step.reads}
    made_by = f"{stage.name} {stage.version}"
    return Lineage(step.name, made_by, f"{table} {version}", stage.settings, outside, inputs)


def _finding(step: Step, folder: Folder, lineage: Lineage) -> Finding:
    committed = folder.has(COMMIT)
    found = Manifest.open(folder) if committed else Draft.planned(folder)
    if found is None:
        return Finding(step, folder, lineage, State.MAKE)
    if found.lineage.fingerprint == lineage.fingerprint:
        return Finding(step, folder, lineage, State.TAKE if committed else State.FINISH)
    changed = tuple(found.lineage.differences(lineage))
    if not step.stage.remade:
        raise Refused(_changed(folder, changed))
    return Finding(step, folder, lineage, State.REMAKE, changed)


def _changed(folder: Folder, changed: Sequence[Difference]) -> str:
    told = "; ".join(str(difference) for difference in changed[:4])
    more = f"; and {len(changed) - 4} more" if len(changed) > 4 else ""
    return (
        f"{folder.url} was made otherwise: {told}{more}. Name a new run (--run), "
        f"or remove the folder {folder.url} and those after it to make them again."
    )
