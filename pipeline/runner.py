"""Runner: make each step of a run in order: take what is there, finish what was begun, refuse what changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from manifests.draft import Draft
from manifests.errors import Refused, TasksFailed
from manifests.manifest import Manifest
from manifests.shard import Receipt
from manifests.storage import Folder
from pipeline.driver import driving
from pipeline.executor import Executor
from pipeline.progress import Progress
from pipeline.recipe import Step
from pipeline.runs import GALLERY
from pipeline.survey import Finding, State, survey
from pipeline.worker import Job, Outcome
from stages.base import Task

FAILURES = "_failures.json"
# recorded with each commit, not compared: rows do not change with them, digits beyond float32's may
LIBRARIES = (
    *("blindpairs", "numpy", "pillow", "pyarrow", "torch", "torchvision"),
    *("open_clip_torch", "transformers", "timm", "faiss-gpu", "faiss-cpu"),
)


def run(
    steps: Sequence[Step],
    folder: Folder,
    executor: Executor,
    progress: Progress,
    afterwards: Callable[[Mapping[str, Manifest]], None] = lambda manifests: None,
) -> dict[str, Manifest]:
    """Make the steps of one run; step -> its committed manifest.

    Everything is looked at before anything is started (survey.py). `afterwards` is called with the
    manifests while the run is still this driver's alone. Raises Refused, or TasksFailed after the
    siblings of a failed task have finished.
    """
    with driving(folder):
        manifests: dict[str, Manifest] = {}
        findings = survey(steps, folder)
        if any(finding.state is not State.TAKE for finding in findings):
            folder.forget(GALLERY)  # it shows what is about to change
        for finding in findings:
            manifests[finding.step.name] = _make(finding, manifests, executor, progress)
        afterwards(manifests)
        return manifests


def _make(finding: Finding, manifests: Mapping[str, Manifest], executor: Executor, progress: Progress) -> Manifest:
    reads = {name: manifests[name] for name in finding.step.reads}
    finding = _of_these(finding, {name: read.content for name, read in reads.items()})
    if finding.state is State.TAKE:
        manifest = Manifest.open(finding.folder)
        progress.taken(finding, manifest)
        return manifest
    draft = _draft(finding, reads)
    progress.started(finding, len(draft.tasks))
    receipts = _work(finding.step, draft, reads, executor, progress)
    draft.folder.sweep()  # what a killed worker left half written
    manifest = draft.commit(receipts, expected=finding.step.stage.expected(reads), made_with=_versions())
    progress.committed(finding.step, manifest)
    return manifest


def _of_these(finding: Finding, made_of: Mapping[str, str]) -> Finding:
    """The finding, if what is there was made of just these manifests; one made again since has other rows."""
    if finding.state not in (State.TAKE, State.FINISH):
        return finding
    found = Manifest.open(finding.folder) if finding.state is State.TAKE else Draft.planned(finding.folder)
    if found is None or found.made_of == made_of:
        return finding
    if finding.step.stage.remade:
        return replace(finding, state=State.REMAKE)
    names = ", ".join(name for name, content in made_of.items() if found.made_of.get(name) != content)
    raise Refused(
        f"{finding.folder.url} was made of another {names} than there is now, which was made again since; "
        f"remove the folder {finding.folder.url} and those after it to make them again"
    )


def _draft(finding: Finding, reads: Mapping[str, Manifest]) -> Draft:
    """The draft to work on: the one begun earlier, or a new one with its plan written."""
    finding.folder.sweep()
    finding.folder.forget(FAILURES)
    if finding.state is State.FINISH and (begun := Draft.planned(finding.folder)):
        return begun
    if finding.state is State.REMAKE and (old := Draft.planned(finding.folder)):
        old.discard()
    tasks = [task.to_json() for task in finding.step.stage.plan(reads)]
    made_of = {name: read.content for name, read in reads.items()}
    return Draft.begin(finding.folder, finding.lineage, tasks, made_of)


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
