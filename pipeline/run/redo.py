"""Redo: discard a step and those after it, so that the run makes them again in place; the steps before it stay.

A note in the run's folder says what was discarded. A run that was killed afterwards keeps what it made since, when it
is asked for the same again; the note is deleted when the run ends well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from manifests.draft import Draft
from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest, json_bytes, parsed
from manifests.removal import Held
from manifests.storage import Folder
from pipeline.run.layout import AUDIT, FORGOTTEN, GALLERY, ORDER, drop_repairs
from pipeline.run.lease.lease import Lease
from pipeline.run.recipe import Step
from stages.text import did_you_mean

REDO = "_redo.json"


def steps_before(steps: Sequence[Step], name: str) -> Sequence[Step]:
    """Return the steps before the one of this name. Raises Refused if there is none."""
    names = [step.name for step in steps]
    if name not in names:
        known = f"{did_you_mean(name, names)}steps are: {', '.join(names)}"
        raise Refused(f"{name} cannot be made again: it is none of the steps to make; {known}")
    return steps[: names.index(name)]


def discard_from(steps: Sequence[Step], name: str, run: Folder, lease: Lease, said: Callable[[str], None]) -> None:
    """Discard the step of this name and all after it, the last one first; `said` hears which.

    What was made after an interrupted redo of the same step with the same settings is kept. The caller holds the
    lease, and has resolved the steps before. Raises Refused, with nothing discarded, if sources or weights are missing.
    """
    asked = _asked(steps, name)
    if _noted(run) == {**asked, "discarded": True}:
        said(f"{name} and the steps after it were discarded earlier; what was made since is kept")
        return
    _check_none_forgotten(run, name)
    for step in steps[len(steps_before(steps, name)) :]:
        step.stage.external_state()
    held = [one for one in (Held.of(run / step) for step in ORDER[ORDER.index(name) :]) if one is not None]
    said(f"{name} and the steps after it are made again; discarded: {', '.join(map(_text, held)) or 'nothing'}")
    run.write(REDO, json_bytes({**asked, "discarded": False}))
    run.forget(GALLERY)
    (run / "candidates").forget(AUDIT)
    drop_repairs(run)
    for one in reversed(held):
        lease.check()
        one.discard()
    run.write(REDO, json_bytes({**asked, "discarded": True}))


def _check_none_forgotten(run: Folder, name: str) -> None:
    """Refuse to read the sources again if images were taken out of the run: they would come back."""
    if name != ORDER[0]:
        return
    folder = run / name
    there = Manifest.stated_in(folder) if folder.has(COMMIT) else Draft.planned(folder)
    if there is not None and any(gone.why == FORGOTTEN for gone in there.removed):
        raise Refused(
            f"images were forgotten from {run.url}, and making {name} again would bring them back; take them out of "
            "the source and use a new run, or make a later step again"
        )


def end_redo(run: Folder, made: Collection[str]) -> None:
    """Delete the note once the step that was to be made again is among the steps `made`."""
    noted = _noted(run)
    if noted is not None and noted["step"] in made:
        run.forget(REDO)


def _asked(steps: Sequence[Step], name: str) -> dict[str, Any]:
    """Return what identifies a redo: the step, and the settings of all steps that a run does not rebuild by itself."""
    again = steps[len(steps_before(steps, name)) :]
    settings = {step.name: step.stage.settings for step in again if not step.stage.rebuildable}
    return {"step": name, "settings": json.loads(json_bytes(settings))}


def _noted(run: Folder) -> dict[str, Any] | None:
    return parsed(run, REDO, lambda value: {**value, "step": value["step"]}) if run.has(REDO) else None


def _text(held: Held) -> str:
    shards = len(held.shards())
    return f"{held.folder.name} ({shards:,} shard{'s' * (shards != 1)})"
