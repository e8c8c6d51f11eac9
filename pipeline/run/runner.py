"""Runner: make the steps of a run in order: reuse what is finished, resume what was begun, refuse what changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from manifests.draft import Draft
from manifests.errors import TasksFailed
from manifests.manifest import Manifest
from manifests.shard import Receipt
from manifests.storage import Folder
from pipeline.executors.executor import Executor, ResourceRequest, Retry
from pipeline.executors.worker import InProgress, Job, Outcome
from pipeline.run import retry_failed
from pipeline.run.events.listener import Listener, telling_the_end
from pipeline.run.failures import failed
from pipeline.run.growth import begun, other_inputs, rebuilt_since
from pipeline.run.layout import FAILURES, GALLERY, check_no_removal, sweep_left
from pipeline.run.lease.lease import Lease, driving
from pipeline.run.libraries import versions
from pipeline.run.recipe import Step
from pipeline.run.redo import discard_from, end_redo, steps_before
from pipeline.run.resolve import Resolution, State, resolve
from stages.base import Task

NOTHING: Mapping[str, Manifest] = {}


@dataclass(frozen=True)
class Drive:
    """What a run is made with: where tasks run, who hears of it, and the lease that keeps other drivers out."""

    executor: Executor
    listener: Listener
    lease: Lease


def run(
    steps: Sequence[Step],
    folder: Folder,
    executor: Executor,
    listener: Listener,
    afterwards: Callable[[Mapping[str, Manifest]], None] = lambda manifests: None,
    beforehand: Callable[[], bool] = lambda: False,
    redo: str | None = None,
    there: Mapping[str, Manifest] = NOTHING,
) -> dict[str, Manifest]:
    """Make the steps of one run; step -> its committed manifest.

    Every step is checked before any work starts (resolve.py). `redo` names a step that is first discarded, with those
    after it. `beforehand` is called after that check, and the steps are checked again if it returns True; `afterwards`
    is called with the manifests. Both run while this driver holds the lease. `there`: committed manifests that the
    steps read and that none of them makes. Raises Refused, or TasksFailed once the siblings of a failed task, and the
    steps that do not read what failed, have finished.
    """
    with driving(folder, listener.said) as lease, telling_the_end(listener):
        sweep_left(folder)
        check_no_removal(folder, "forget")
        drive, where = Drive(executor, listener, lease), ""
        retry_failed.finish(folder)
        if redo is not None:
            resolve(steps_before(steps, redo), folder)
            discard_from(steps, redo, folder, lease, listener.said)
        resolutions = resolve(steps, folder, there)
        if beforehand():
            resolutions = resolve(steps, folder, there)
        if any(resolution.state is not State.REUSE for resolution in resolutions):
            where = executor.check(_requests(resolutions), listener.said)
            folder.forget(GALLERY)  # it shows what is about to change
        listener.resolved(resolutions, where)
        manifests = _made(resolutions, there, drive)
        lease.confirm()
        end_redo(folder, manifests)
        afterwards(manifests)
        return manifests


def _requests(resolutions: Sequence[Resolution]) -> list[ResourceRequest]:
    steps = [resolution.step for resolution in resolutions if resolution.state is not State.REUSE]
    return [ResourceRequest(step.name, step.stage, step.workers) for step in steps]


def _made(resolutions: Sequence[Resolution], there: Mapping[str, Manifest], drive: Drive) -> dict[str, Manifest]:
    """Make all steps. Raises TasksFailed, when those that do not need it are made, for a step that failed."""
    manifests, failures = dict(there), dict[str, str]()
    for resolution in resolutions:
        name, reads = resolution.step.name, resolution.step.reads
        if any(step in failures or step not in manifests for step in reads):
            continue
        try:
            manifests[name] = _make(resolution, manifests, drive)
        except TasksFailed as error:
            failures[name] = str(error)
    if failures:
        raise TasksFailed("; ".join(failures.values()))
    return {name: manifest for name, manifest in manifests.items() if name not in there}


def _make(resolution: Resolution, manifests: Mapping[str, Manifest], drive: Drive) -> Manifest:
    reads = {name: manifests[name] for name in resolution.step.reads}
    resolution = _of_these(resolution, reads)
    if resolution.state is State.REUSE and isinstance(resolution.there, Manifest):
        drive.listener.taken(resolution, resolution.there)
        return resolution.there
    draft = _draft(resolution, reads)
    missing = [Task.from_json(task) for task in draft.missing()]
    drive.listener.started(resolution, len(draft.tasks), len(draft.tasks) - len(missing))
    receipts = _work(resolution.step, draft, missing, reads, drive)
    draft.folder.sweep()  # what a killed worker left half written
    drive.lease.confirm()
    manifest = draft.commit(receipts, expected=resolution.step.stage.expected(reads), made_with=versions())
    drive.listener.committed(resolution.step, manifest)
    return manifest


def _of_these(resolution: Resolution, reads: Mapping[str, Manifest]) -> Resolution:
    """Check that what is there was made from these very manifests, or from what they were before they grew.

    A cheap step that was not is rebuilt. Raises Refused for any other.
    """
    if resolution.there is None or resolution.state is State.REBUILD:
        return resolution
    if not (odd := other_inputs(resolution.there, reads)):
        return resolution
    if resolution.step.stage.rebuildable:
        return replace(resolution, state=State.REBUILD)
    raise rebuilt_since(resolution.folder, odd)


def _draft(resolution: Resolution, reads: Mapping[str, Manifest]) -> Draft:
    """The draft to work on: the one begun earlier, the finished step with a longer plan, or a new one."""
    folder, stage, there = resolution.folder, resolution.step.stage, resolution.there
    folder.sweep()
    folder.forget(FAILURES)
    if resolution.state is State.RESUME and isinstance(there, Draft):
        return there
    made_of = {name: read.content for name, read in reads.items()}
    if resolution.state is State.EXTEND and there is not None:
        grown = resolution.tasks or stage.extended(begun(there), reads)
        return Draft.grow(there, resolution.lineage, [task.to_json() for task in grown], made_of)
    if resolution.state is State.REBUILD and (old := Draft.planned(folder)):
        old.discard()
    return Draft.begin(folder, resolution.lineage, [task.to_json() for task in stage.plan(reads)], made_of)


def _work(
    step: Step, draft: Draft, missing: Sequence[Task], reads: Mapping[str, Manifest], drive: Drive
) -> dict[str, Receipt]:
    """Make the missing shards. Raises TasksFailed, with every failed task named, when all others are done."""
    job = Job(step.stage, draft.folder, {name: read.folder for name, read in reads.items()}, step.workers.max_failed)
    to_do = _rows(step, reads) * len(missing) // max(len(draft.tasks), 1)
    receipts: dict[str, Receipt] = {}
    failures: list[Outcome] = []
    for result in drive.executor.execute(job, missing, step.workers) if missing else ():
        drive.lease.check()
        if isinstance(result, InProgress):
            drive.listener.in_progress(step, result, to_do)
            continue
        if isinstance(result, Retry):
            drive.listener.set_back(step, result)
            continue
        if result.receipt is not None:
            receipts[result.name] = result.receipt
        else:
            failures.append(result)
        drive.listener.advanced(step, result)
    if failures:
        raise failed(draft, receipts, failures, len(missing))
    return receipts


def _rows(step: Step, reads: Mapping[str, Manifest]) -> int:
    """Return how many rows all tasks of a gradual step see, for the time left; 0 for any other step."""
    return (step.stage.expected(reads) or 0) if step.stage.gradual else 0
