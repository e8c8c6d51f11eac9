"""Repair: make only the damaged shards of finished steps again, and prove that they are the shards that were committed.

They are made in a folder of their own. A step's shards are moved in when each of them has the bytes and the digest that
its commit states, so later steps, which were made from these rows, stay as they are. If one differs, nothing is moved.
A repair that was killed continues with the shards it had made.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace

from manifests.damaged_shards import DamagedShard, damaged_shards, why_damaged
from manifests.draft import Draft
from manifests.errors import Refused, TasksFailed
from manifests.manifest import COMMIT, Manifest
from manifests.shard import SUFFIX, Receipt
from manifests.storage import Folder
from manifests.unchanged import check_unchanged
from pipeline.executors.executor import Executor, ResourceRequest, Retry
from pipeline.executors.worker import InProgress, Job, Outcome
from pipeline.run.events.listener import Listener, telling_the_end
from pipeline.run.growth import other_inputs, rebuilt_since
from pipeline.run.layout import QUESTIONS, REPAIRS, check_no_removal, drop_repairs, question_versions, sweep_left
from pipeline.run.lease.lease import driving
from pipeline.run.recipe import Step
from pipeline.run.repaired import RepairSummary, StepRepair, difference_text, failures_text, shards_text
from pipeline.run.resolve import Resolution, State, check_settings
from pipeline.run.runner import Drive
from stages.base import Task


def repair(steps: Sequence[Step], folder: Folder, executor: Executor, listener: Listener) -> RepairSummary:
    """Read every row of the finished steps among `steps`, and make the shards that are gone or damaged again.

    Raises Refused if another process drives the run, if a damaged step has other settings than its recipe or other
    inputs than it was made from, or if a shard comes out different; TasksFailed if one cannot be made. A step is left
    as it was unless all its damaged shards were made again.
    """
    with driving(folder, listener.said) as lease, telling_the_end(listener):
        sweep_left(folder)
        check_no_removal(folder)
        drive, done = Drive(executor, listener, lease), list[StepRepair]()
        for step in (step for step in steps if (folder / step.name).has(COMMIT)):
            manifest = Manifest.stated_in(folder / step.name)
            listener.said(f"{step.name:<11} reading {shards_text(len(manifest.shards))}")
            if odd := damaged_shards(manifest):
                _repair_step(step, manifest, odd, folder, drive)
            done.append(StepRepair(step.name, len(manifest.shards), tuple(odd)))
        drop_repairs(folder)
        _check_questions(folder)
        return RepairSummary(folder.url, tuple(done))


def _repair_step(step: Step, manifest: Manifest, odd: Sequence[DamagedShard], run: Folder, drive: Drive) -> None:
    step = replace(step, stage=step.stage.as_begun(manifest.lineage.table))
    check_settings(step.stage, manifest)
    reads = {name: Manifest.open(run / name) for name in step.reads}
    if others := other_inputs(manifest, reads):
        raise rebuilt_since(manifest.folder, others)
    made, stated = run / REPAIRS / step.name, [manifest.by_name[one.name] for one in odd]
    left = [shard for shard in stated if why_damaged(made, shard)]
    where = drive.executor.check([ResourceRequest(step.name, step.stage, step.workers)], drive.listener.said)
    resolution = Resolution(step, manifest.folder, manifest.lineage, State.REPAIR, there=manifest)
    drive.listener.resolved([resolution], where)
    drive.listener.started(resolution, len(manifest.shards), len(manifest.shards) - len(left))
    receipts = _made_again(step, made, manifest, left, reads, drive)
    if (odd_one := next((shard for shard in left if receipts[shard.name] != shard), None)) is not None:
        drop_repairs(run)
        raise Refused(difference_text(manifest, odd_one, receipts[odd_one.name]))
    drive.lease.confirm()
    for shard in stated:
        _move(made, manifest.folder, shard.name + SUFFIX)
    check_unchanged(manifest.folder, stated)
    drive.listener.committed(step, manifest)


def _made_again(
    step: Step,
    made: Folder,
    manifest: Manifest,
    shards: Sequence[Receipt],
    reads: Mapping[str, Manifest],
    drive: Drive,
) -> dict[str, Receipt]:
    """Make these shards in the folder `made`. Raises TasksFailed, with every failed task named."""
    folders = {name: read.folder for name, read in reads.items()}
    job = Job(step.stage, made, folders, step.workers.max_failed, manifest.lineage.inputs)
    receipts, failures = dict[str, Receipt](), list[Outcome]()
    tasks = _tasks(manifest, shards)
    for result in drive.executor.execute(job, tasks, step.workers) if tasks else ():
        drive.lease.check()
        if isinstance(result, InProgress):
            drive.listener.in_progress(step, result, sum(shard.rows for shard in shards))
            continue
        if isinstance(result, Retry):
            drive.listener.set_back(step, result)
            continue
        if result.receipt is None:
            failures.append(result)
        else:
            receipts[result.name] = result.receipt
        drive.listener.advanced(step, result)
    if failures:
        raise TasksFailed(failures_text(manifest, failures, len(tasks)))
    return receipts


def _tasks(manifest: Manifest, shards: Sequence[Receipt]) -> list[Task]:
    """Return the planned tasks of these shards. Raises Refused if the plan lacks one."""
    plan = Draft.planned(manifest.folder)
    planned = {task["name"]: Task.from_json(task) for task in plan.tasks} if plan else {}
    if lacking := [shard.name for shard in shards if shard.name not in planned]:
        raise Refused(
            f"{manifest.folder.url} has no plan of its shard {lacking[0]}, so it cannot be made again; put the old "
            f"file back, or remove the folder {manifest.folder.url} and those after it to make them again"
        )
    return [planned[shard.name] for shard in shards]


def _move(made: Folder, folder: Folder, name: str) -> None:
    if (local := made.local) is not None:
        folder.move_in(name, local / name)
        return
    with folder.aside(name) as path, made.open(name) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _check_questions(run: Folder) -> None:
    """Raise Refused if a shard of people's questions is damaged: it is made of what they wrote, not of other steps."""
    for number in question_versions(run):
        manifest = Manifest.stated_in(run / f"{QUESTIONS}-{number}")
        for one in damaged_shards(manifest):
            raise Refused(
                f"{manifest.folder.url}/{one.name}{SUFFIX} {one.why}, and a frozen version cannot be made again; "
                f"put the old file back, or `blindpairs freeze {run.url}` to make a new version"
            )
