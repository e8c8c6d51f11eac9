"""Without: remove some images from every step of a run or an evaluation, leaving it as consistent as before.

First everything is decided by the steps' stages (stages/removal.py) and recorded, then the shards are rewritten, and
last the commits, which name one another's contents. Each part can be repeated: the same call finishes what a killed
process left. Until the commits are written, nobody else can open the manifests, since the sizes differ from those
stated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pyarrow as pa

from manifests.manifest import Removed
from manifests.removal import Held, put_shard
from manifests.shard import SUFFIX
from manifests.storage import Folder
from manifests.unchanged import check_unchanged
from pipeline.run.layout import AUDIT, drop_repairs
from pipeline.run.removal.removable import RUN, Removable
from pipeline.run.removal.settled import Settled
from stages.removal import Change, Removal

Check = Callable[[], None]
Steps = Mapping[str, Held]


def steps_held(run: Folder, of: Removable = RUN) -> dict[str, Held]:
    """Return the steps that were begun, in order, with what they hold."""
    found = {step: Held.of(run / step) for step in of.order}
    return {step: held for step, held in found.items() if held is not None}


def check_steps(steps: Steps) -> None:
    """Raise Refused, naming the shard, if one was changed since its commit: rewritten, it would pass as valid."""
    for held in steps.values():
        check_unchanged(held.folder, held.stated)


def without(
    run: Folder, ids: Collection[str], note: Removed, check: Check = lambda: None, of: Removable = RUN
) -> dict[str, int]:
    """Remove all rows of these images from every step; return step -> number removed. The caller holds the run's lease.

    `note`: when and why, for the lineages; its `at` identifies this removal. `check` is called before each write. The
    gallery, the audit and steps that are cheap to rebuild, which are outdated, are removed: the next run makes them.
    """
    removal = Removal(run, pa.array(sorted(ids), pa.string()), _still_valid(run, of))
    settled = Settled.read(run, note.at, of.changes)
    if settled is None:
        states = {step: held.states() for step, held in removal.steps.items()}
        settled = Settled(note.at, states, _changes(removal, of))
        settled.write(run)
    of.also(run, settled.changes)
    changes = {step: settled.changes[step] for step in removal.steps if step in settled.changes}
    for step, change in changes.items():
        _write_again(removal, removal.steps[step], change, check)
    check()
    _commit_again(run, of, settled, note)
    Settled.end(run)
    return {step: change.rows for step, change in changes.items() if change.touched}


def _still_valid(run: Folder, of: Removable) -> Steps:
    """Remove what is outdated by any removal; return the other steps."""
    for name in of.shows:
        run.forget(name)
    drop_repairs(run)  # they may hold rows of these images
    for step in of.order:
        (run / step).forget(AUDIT)
        (run / step).sweep()  # a step that was killed at its first file has nothing else
    steps = steps_held(run, of)
    for outdated in [step for step in steps if step not in of.changes]:
        steps.pop(outdated).discard()
    return steps


def _changes(removal: Removal, of: Removable) -> dict[str, Change]:
    """Let each step's stage decide, in order."""
    for step in removal.steps:
        kind = of.changes[step]
        if all(name in removal.changes for name in kind.needs):
            removal.changes[step] = kind.decided(removal, step)
    return removal.changes


def _write_again(removal: Removal, held: Held, change: Change, check: Check) -> None:
    for name in change.touched:
        check()
        put_shard(held.folder, name, change.parts(removal, held, name))
    if change.tasks:
        held.plan_again([dict(task) for task in change.tasks])
    for name in change.missing:
        held.folder.forget(name + SUFFIX)


def _commit_again(run: Folder, of: Removable, settled: Settled, note: Removed) -> None:
    """Rewrite plans and commits, in the order in which steps depend on one another."""
    now: dict[str, dict[str, str]] = {}
    for step, held in steps_held(run, of).items():
        change = settled.changes.get(step, Change())
        receipts = held.receipts(change.touched)
        now[step] = held.states(receipts)
        gone = Removed(note.at, note.why, change.rows) if change.rows else None
        held.put(receipts, settled.was, now, gone)
