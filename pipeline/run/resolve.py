"""Resolve: decide before any work what each step of a run needs: reuse, resume, extend, build, rebuild, or refuse."""

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
from manifests.unchanged import check_unchanged
from pipeline.run.growth import StepDiffers, begun, earlier, only_grew
from pipeline.run.recipe import Step
from stages.base import OnGrowth, Stage, Task

NEW_RUN = "Name a new run (--run)"
NO_OTHERS: Mapping[str, Manifest] = {}


class State(StrEnum):
    """What a step needs."""

    REUSE = "reuse"  # committed, same fingerprint, or kept as it is although its inputs grew
    RESUME = "resume"  # begun, same fingerprint: only the missing shards are made
    EXTEND = "extend"  # its source or inputs grew: existing shards are kept, and new shards are made
    BUILD = "build"  # nothing there yet
    REBUILD = "rebuild"  # cheap, and its settings or inputs changed
    REPAIR = "repair"  # committed, but some of its shards are damaged (repair.py)


@dataclass(frozen=True)
class Resolution:
    """One step, the lineage it must have, and what it needs; `changed`: why it is made again."""

    step: Step
    folder: Folder
    lineage: Lineage
    state: State
    changed: tuple[Difference, ...] = ()
    unseen: str = ""  # why its source or weights could not be checked again
    there: Manifest | Draft | None = None  # what is stored in `folder`
    tasks: tuple[Task, ...] = ()  # for a source that grew: the old and the new tasks

    @property
    def earlier(self) -> frozenset[str]:
        """The fingerprints of all committed states that the step continues from."""
        if self.there is None or self.state in (State.BUILD, State.REBUILD):
            return frozenset()
        return earlier(self.there, grows=self.state is State.EXTEND)


def resolve(steps: Sequence[Step], run: Folder, others: Mapping[str, Manifest] = NO_OTHERS) -> list[Resolution]:
    """Resolve every step before anything is started. `others`: committed manifests that they read besides.

    Raises Refused where sources or weights are missing, or where a step that is expensive to make was
    made with other settings, or from a source that did not only grow: the message names the first
    differences with both values.
    """
    resolutions: dict[str, Resolution] = {}
    for step in steps:
        there = _there(run / step.name)
        if there is not None:
            step = replace(step, stage=step.stage.as_begun(there.lineage.table))
        state, unseen = _external_state(step, there)
        resolution = _resolution(step, run / step.name, _lineage(step, state, resolutions, others), there, resolutions)
        if unseen and resolution.state is not State.REUSE:
            raise Refused(unseen)
        resolutions[step.name] = replace(resolution, unseen=unseen)
    return list(resolutions.values())


def _there(folder: Folder) -> Manifest | Draft | None:
    """Open what is in the folder. On a disk, check its shards' footers, too; in a bucket each would be a request."""
    if not folder.has(COMMIT):
        return Draft.planned(folder)
    manifest = Manifest.open(folder)
    if folder.local is not None:
        check_unchanged(folder, manifest.shards)
    return manifest


def _external_state(step: Step, there: Manifest | Draft | None) -> tuple[Mapping[str, Any], str]:
    """Return the step's external state; if unavailable, what a finished step of these settings found then.

    So a filter can be changed while the disk with the photos, or the weights, are elsewhere.
    """
    try:
        return step.stage.external_state(), ""
    except Refused as refusal:
        if not isinstance(there, Manifest) or there.lineage.settings != step.stage.settings:
            raise
        return there.lineage.external_state, str(refusal)


def _lineage(
    step: Step, state: Mapping[str, Any], resolutions: Mapping[str, Resolution], others: Mapping[str, Manifest]
) -> Lineage:
    stage, (table, version) = step.stage, step.stage.table()
    known: Mapping[str, Manifest | Resolution] = {**others, **resolutions}
    inputs = {name: known[name].lineage.fingerprint for name in step.reads}
    made_by = f"{stage.name} {stage.version}"
    return Lineage(step.name, made_by, f"{table} {version}", stage.settings, state, inputs)


def _resolution(
    step: Step, folder: Folder, lineage: Lineage, there: Manifest | Draft | None, resolutions: Mapping[str, Resolution]
) -> Resolution:
    if there is None:
        return Resolution(step, folder, lineage, State.BUILD)
    if there.lineage.fingerprint == lineage.fingerprint:
        state = State.REUSE if isinstance(there, Manifest) else State.RESUME
        return Resolution(step, folder, lineage, state, there=there)
    changed = tuple(there.lineage.differences(lineage))
    if step.stage.rebuildable:
        return Resolution(step, folder, lineage, State.REBUILD, changed, there=there)
    if not only_grew(step.stage, there.lineage, lineage, {name: found.earlier for name, found in resolutions.items()}):
        raise StepDiffers(folder, _changed(folder, changed), NEW_RUN)
    return _grown(Resolution(step, folder, lineage, State.EXTEND, changed, there=there), there)


def _grown(resolution: Resolution, there: Manifest | Draft) -> Resolution:
    """Resolve a step whose source or inputs grew. Raises Refused where a source did not only grow."""
    stage = resolution.step.stage
    if stage.on_growth is OnGrowth.KEPT:  # kept as committed; an uncommitted step is made from everything there is now
        if isinstance(there, Manifest):
            return replace(resolution, lineage=there.lineage, state=State.REUSE, changed=())
        return replace(resolution, state=State.REBUILD)
    if resolution.step.reads:
        return resolution
    try:
        return replace(resolution, tasks=tuple(stage.extended(begun(there), {})))
    except Refused as refusal:
        why = f"{resolution.folder.url} was made of other files: {refusal}"
        raise StepDiffers(resolution.folder, why, f"Put the old file back, {NEW_RUN.lower()}") from refusal


def _changed(folder: Folder, changed: Sequence[Difference]) -> str:
    own = [one for one in changed if not one.name.startswith("inputs.")]  # differences of inputs follow from these
    shown = own or list(changed)
    told = "; ".join(map(str, shown[:4]))
    more = f"; and {len(shown) - 4} more" if len(shown) > 4 else ""
    return f"{folder.url} was made with different settings: {told}{more}"


def check_settings(stage: Stage, there: Manifest) -> None:
    """Raise Refused, naming the differences, if this stage would not make the shards of a manifest again.

    Files that a source got since then are no difference: the tasks of its shards name their own.
    """
    then, (table, version) = there.lineage, stage.table()
    now = replace(
        then,
        stage=f"{stage.name} {stage.version}",
        table=f"{table} {version}",
        settings=then.settings if stage.covers(then.settings) else stage.settings,
        external_state=stage.external_state() if then.inputs else then.external_state,
    )
    if differences := then.differences(now):
        raise Refused(f"{_changed(there.folder, differences)}. Repair it with the settings and files it was made with.")
