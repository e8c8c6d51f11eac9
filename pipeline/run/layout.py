"""Layout: the files in a run's folder, and how commands open them."""

from __future__ import annotations

import re

from manifests.draft import PLAN, Draft
from manifests.errors import NotCommitted, Refused, Waiting
from manifests.manifest import COMMIT, Manifest, parsed
from manifests.storage import Folder
from manifests.stores.reach import check_reached

GALLERY = "report.html"
AUDIT, PLANTED = "_audit.json", "_planted.json"  # what the audit found; which pairs the demo drew
FAILURES = "_failures.json"  # of a step's tasks, beside its shards
REMOVAL = "_removal.json"  # while images are being taken out, or after that was stopped
ORDER = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")

QUESTIONS = "questions"  # people's; each freezing is a manifest of its own, questions-1, questions-2, ...
VERSION = re.compile(QUESTIONS + r"-([1-9]\d{0,8})")


def run_folder(run: str) -> Folder:
    """The folder of a run. Raises Refused if it holds no step of a run, or if images are being removed from it."""
    folder = any_run_folder(run)
    check_no_removal(folder)
    return folder


def any_run_folder(run: str) -> Folder:
    """As `run_folder`, and accepts a run from which images are being removed."""
    folder = Folder(run.rstrip("/"))
    check_reached(folder.url, f"{run} cannot be read")
    if not steps_begun(folder):
        raise Refused(f"{run} is no run: it holds none of {', '.join(ORDER)}; a run's folder looks like runs/mmvp")
    return folder


def check_no_removal(folder: Folder, *kinds: str) -> None:
    """Raise Refused, naming the command that finishes it, if a removal (of these kinds, or any) was interrupted."""
    if not folder.has(REMOVAL):
        return
    kind = parsed(folder, REMOVAL, lambda value: str(value["kind"]))
    if kinds and kind not in kinds:
        return
    remedy = f"`blindpairs forget {folder.url}`" if kind == "forget" else "`blindpairs run` with --retry-failed"
    raise Refused(f"images are being taken out of {folder.url}, or that was stopped halfway; {remedy} finishes it")


def sweep_left(run: Folder) -> None:
    """Remove files that killed processes left half written; they may show images that were forgotten since."""
    for folder in (run, *(run / name for name in run.folders())) if run.local else (run,):
        folder.sweep_left()


def steps_begun(folder: Folder) -> list[str]:
    """The steps that have at least a plan, in order."""
    there = set(folder.folders())
    return [step for step in ORDER if step in there and ((folder / step).has(PLAN) or (folder / step).has(COMMIT))]


def question_versions(run: Folder) -> list[int]:
    """The committed versions of a run's questions, ascending."""
    found = (VERSION.fullmatch(name) for name in run.folders())
    return sorted(int(name[1]) for name in found if name and (run / name[0]).has(COMMIT))


def manifest_of(run: str, step: str) -> Manifest:
    """A committed manifest of a run. Raises Refused for a step that does not exist or is not finished."""
    return Manifest.open(_step_folder(run, step))


def lineage_of(run: str, step: str) -> Manifest | Draft:
    """What knows a step's lineage, and how it grew: its manifest, or its draft where it is not committed."""
    folder = _step_folder(run, step)
    if folder.has(COMMIT):
        return Manifest.open(folder)
    if (draft := Draft.planned(folder)) is None:
        raise Refused(f"{folder.url} was not begun; `blindpairs run` makes it")
    return draft


def _step_folder(run: str, step: str) -> Folder:
    """Where a step lies; `questions` is its newest version."""
    folder = run_folder(run)
    if step == QUESTIONS:
        versions = question_versions(folder)
        if not versions:
            raise Waiting(f"{run} has no questions yet; people write them with `blindpairs author {run}`")
        return folder / f"{QUESTIONS}-{versions[-1]}"
    if step not in ORDER and not VERSION.fullmatch(step):
        raise Refused(f"there is no step {step!r}; steps are: {', '.join((*ORDER, QUESTIONS))}")
    if step not in ORDER and not (folder / step).has(COMMIT):
        there = ", ".join(f"{QUESTIONS}-{number}" for number in question_versions(folder)) or "none"
        raise NotCommitted(f"{run} has no {step}; versions are: {there}, and `blindpairs freeze {run}` makes a new one")
    return folder / step
