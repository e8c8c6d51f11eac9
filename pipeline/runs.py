"""Runs: opening what lies in a run's folder, for every command that only looks."""

from __future__ import annotations

from manifests.draft import PLAN, Draft
from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from manifests.stores.reach import check_reached

GALLERY = "report.html"
ORDER = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")


def run_folder(run: str) -> Folder:
    """The folder of a run. Raises Refused where none of a run's steps lies there."""
    folder = Folder(run.rstrip("/"))
    check_reached(folder.url, f"{run} cannot be read")
    if not steps_begun(folder):
        raise Refused(f"{run} is no run: it holds none of {', '.join(ORDER)}; a run's folder looks like runs/mmvp")
    return folder


def steps_begun(folder: Folder) -> list[str]:
    """The steps that have at least a plan, in their order."""
    there = set(folder.folders())
    return [step for step in ORDER if step in there and ((folder / step).has(PLAN) or (folder / step).has(COMMIT))]


def manifest_of(run: str, step: str) -> Manifest:
    """A committed manifest of a run. Raises Refused for a step that does not exist or is not finished."""
    if step not in ORDER:
        raise Refused(f"there is no step {step!r}; steps are: {', '.join(ORDER)}")
    return Manifest.open(run_folder(run) / step)


def lineage_of(run: str, step: str) -> Manifest | Draft:
    """What knows a step's lineage, and how it grew: its manifest, or its draft where it is not committed."""
    if step not in ORDER:
        raise Refused(f"there is no step {step!r}; steps are: {', '.join(ORDER)}")
    folder = run_folder(run) / step
    if folder.has(COMMIT):
        return Manifest.open(folder)
    if (draft := Draft.planned(folder)) is None:
        raise Refused(f"{folder.url} was not begun; `blindpairs run` makes it")
    return draft
