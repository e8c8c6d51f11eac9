"""Runner: make each step of a run in order: take what is there, finish what was begun, refuse what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from manifests.errors import TasksFailed
from manifests.manifest import COMMIT, PLAN, Draft, Manifest
from manifests.shard import Receipt
from manifests.storage import Folder
from pipeline.driver import driving
from pipeline.executor import Executor
from pipeline.progress import Progress
from pipeline.recipe import Step
from pipeline.survey import Finding, State, survey
from pipeline.worker import Job, Outcome
from stages.base import Task

FAILURES = "_failures.json"
# recorded with each commit, not compared: rows do not change with them, digits beyond float32's may
LIBRARIES = (
    *("blindpairs", "numpy", "pillow", "pyarrow", "torch", "torchvision"),
    *("open_clip_torch", "transformers", "timm", "faiss-gpu", "faiss-cpu"),
)


def run(steps: Sequence[Step], folder: Folder, executor: Executor, progress: Progress) -> dict[str, Manifest]:
    """Make the steps of one run; step -> its committed manifest.

    Everything is looked at before anything is started (survey.py). Raises Refused, or TasksFailed
    after the siblings of a failed task have finished.
    """
    with driving(folder):
        manifests: dict[str, Manifest] = {}
        for finding in survey(steps, folder):
            manifests[finding.step.name] = _make(finding, manifests, executor, progress)
        return manifests


def _make(finding: Finding, manifests: Mapping[str, Manifest], executor: Executor, progress: Progress) -> Manifest:
    if finding.state is State.TAKE:
        manifest = Manifest.open(finding.folder)
        progress.taken(finding.step, manifest)
        return manifest
    reads = {name: manifests[name] for name in finding.step.reads}
    draft = _draft(finding, reads)
    progress.started(finding, len(draft.tasks))
    receipts = _work(finding.step, draft, reads, executor, progress)
    draft.folder.sweep()  # what a killed worker left half written
    manifest = draft.commit(receipts, expected=finding.step.stage.expected(reads), made_with=_versions())
    progress.committed(finding.step, manifest)
    return manifest


def _draft(finding: Finding, reads: Mapping[str, Manifest]) -> Draft:
    """The draft to work on: the one begun earlier, or a new one with its plan written."""
    finding.folder.sweep()
    finding.folder.forget(FAILURES)
    if finding.state is State.FINISH and (begun := Draft.planned(finding.folder)):
        return begun
    if finding.state is State.REMAKE:
        finding.folder.forget(COMMIT)
        finding.folder.remove(last=PLAN)
    tasks = finding.step.stage.plan(reads)
    return Draft.begin(finding.folder, finding.lineage, [task.to_json() for task in tasks])


def _work(
    step: Step, draft: Draft, reads: Mapping[str, Manifest], executor: Executor, progress: Progress
) -> dict[str, Receipt]:
    """Make the missing shards. Raises TasksFailed, with every failed task named, when all others are done."""
    missing = [Task.from_json(task) for task in draft.missing()]
    progress.found(step, len(draft.tasks) - len(missing))
    job = Job(step.stage, draft.folder, {name: read.folder for name, read in reads.items()}, step.workers.max_failed)
    receipts: dict[str, Receipt] = {}
    failures: list[Outcome] = []
    for outcome in executor.execute(job, missing, step.workers) if missing else ():
        if outcome.receipt is not None:
            receipts[outcome.name] = outcome.receipt
        else:
            failures.append(outcome)
        progress.advanced(step, outcome)
    if failures:
        raise TasksFailed(_told(draft.folder, failures, len(missing)))
    return receipts


def _told(folder: Folder, failures: Sequence[Outcome], tasks: int) -> str:
    """Write the failures beside the shards, for `blindpairs status`, and say them in one sentence."""
    value = [{"task": one.name, "error": one.error, "trace": one.trace} for one in failures]
    folder.write(FAILURES, (json.dumps(value, indent=1) + "\n").encode())
    first = failures[0]
    names = ", ".join(one.name for one in failures[:10]) + (" ..." if len(failures) > 10 else "")
    return (
        f"{folder.url}: {len(failures)} of {tasks} tasks failed ({names}); the first: {first.error} - the others "
        f"are kept; the same command takes up only these. Details: {folder.url}/{FAILURES}"
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
