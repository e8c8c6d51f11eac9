"""Layout: the files in a run's folder."""

from __future__ import annotations

import re
import shutil

from manifests.draft import PLAN
from manifests.errors import Refused
from manifests.manifest import COMMIT, parsed
from manifests.storage import Folder
from manifests.stores.reach import check_reached

GALLERY = "report.html"
AUDIT, PLANTED = "_audit.json", "_planted.json"  # what the audit found; which pairs the demo drew
FAILURES = "_failures.json"  # of a step's tasks, beside its shards
REPAIRS = "_repair"  # shards that are made again, until all of a step's are known to be those it had
FORGOTTEN = "blindpairs forget"  # why rows were removed, as manifests state it
REMOVAL = "_removal.json"  # while images are being taken out, or after that was stopped
ORDER = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")

QUESTIONS = "questions"  # people's; each freezing is a manifest of its own, questions-1, questions-2, ...
VERSION = re.compile(QUESTIONS + r"-([1-9]\d{0,8})")

EVALUATION = re.compile(r"evaluation-([1-9]\d{0,8})")  # of one version of a run's questions, in the run's folder
PREDICTIONS, VERDICTS = "predictions-", "verdicts-"  # of one model, whose name follows
REPLIED = re.compile(f"({PREDICTIONS}|{VERDICTS}).+")
ANSWERS, SCORES = "answers", "scores"
REPLIES = "_replies"  # of models and graders, a folder for each step, until it is committed
LEADERBOARD = "leaderboard.html"


def run_folder(url: str) -> Folder:
    """Return a run's folder, even while images are being removed from it.

    Raises Refused if it does not exist or holds no step.
    """
    folder = Folder(url.rstrip("/"))
    check_reached(folder.url, f"{url} cannot be read")
    if not steps_begun(folder):
        if not (folder.local.exists() if folder.local else folder.folders() or folder.sizes()):
            raise Refused(f"{url} does not exist; a run's folder looks like runs/mmvp")
        raise Refused(
            f"{url} is not a run: it contains none of {', '.join(ORDER)}; a run's folder looks like runs/mmvp"
        )
    return folder


def check_no_removal(folder: Folder, *kinds: str) -> None:
    """Raise Refused, naming the command that finishes it, if a removal (of these kinds, or any) was interrupted.

    An evaluation inside a run is refused too while images are being removed from that run.
    """
    if EVALUATION.fullmatch(folder.name):
        folder = Folder(folder.url.rstrip("/").rpartition("/")[0])
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


def drop_repairs(run: Folder) -> None:
    """Remove the shards that a stopped repair left. Call it while only this driver owns the run."""
    left = run / REPAIRS
    if left.local is not None:
        shutil.rmtree(left.local, ignore_errors=True)
        return
    for step in left.folders():
        for name in (left / step).sizes():
            (left / step).forget(name)


def steps_begun(folder: Folder) -> list[str]:
    """The steps of a run, or of an evaluation, that have at least a plan, in order."""
    there = set(folder.folders())
    mined = [step for step in ORDER if step in there and _is_begun(folder / step)]
    return mined or evaluation_steps(folder)


def evaluation_steps(folder: Folder) -> list[str]:
    """The steps of an evaluation that have at least a plan, in order; empty for any other folder."""
    there = folder.folders()
    if QUESTIONS not in there or not _is_begun(folder / QUESTIONS):
        return []
    made = [name for name in there if name.startswith((PREDICTIONS, VERDICTS)) or name in (ANSWERS, SCORES)]
    begun = [name for name in made if _is_begun(folder / name)]
    asked = [name for kind in (PREDICTIONS, VERDICTS) for name in begun if name.startswith(kind)]
    return [QUESTIONS, *asked, *(name for name in (ANSWERS, SCORES) if name in begun)]


def _is_begun(step: Folder) -> bool:
    return step.has(PLAN) or step.has(COMMIT)


def evaluation_versions(run: Folder) -> list[int]:
    """The versions of a run's questions that were evaluated, ascending."""
    found = (EVALUATION.fullmatch(name) for name in run.folders())
    return sorted(int(name[1]) for name in found if name and evaluation_steps(run / name[0]))


def evaluations_of(run: Folder) -> list[Folder]:
    """The folders of a run's evaluations."""
    return [run / name for name in run.folders() if EVALUATION.fullmatch(name)]


def sweep_evaluation(folder: Folder) -> None:
    """Remove files that killed processes left half written. Call it while only this driver owns the evaluation."""
    sweep_left(folder)
    for model in (folder / REPLIES).folders():
        (folder / REPLIES / model).sweep()


def question_versions(run: Folder) -> list[int]:
    """The committed versions of a run's questions, ascending."""
    found = (VERSION.fullmatch(name) for name in run.folders())
    return sorted(int(name[1]) for name in found if name and (run / name[0]).has(COMMIT))
