"""Launch: make a run and its gallery, whoever asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from multiprocessing import current_process

from manifests.errors import Refused
from manifests.manifest import Manifest
from pipeline.benchmark.store_path import known_store
from pipeline.benchmark.unlisted import unlisted_of
from pipeline.config.changes import Change
from pipeline.config.loading import Recipe
from pipeline.executors.choice import executor_for
from pipeline.launch.closing import Command, closing
from pipeline.launch.offline import hub_closed
from pipeline.launch.request import Request, request
from pipeline.reports.gallery.write import write_report
from pipeline.run.events.broadcast import broadcast
from pipeline.run.layout import GALLERY, run_folder
from pipeline.run.repair import repair as repair_steps
from pipeline.run.repaired import RepairSummary
from pipeline.run.retry_failed import asked_again
from pipeline.run.run import Run
from pipeline.run.runner import run as run_steps
from pipeline.run.summary import RunSummary, StepSummary


def make(
    recipe: Recipe,
    changes: Sequence[Change],
    root: str,
    name: str | None,
    until: str | None,
    offline: bool,
    ray: str | None,
    *,
    retry_failed: bool = False,
    redo: str | None = None,
    quiet: bool = False,
) -> RunSummary:
    """Read and check a recipe (request.py), and make the run; `offline`: ask no model hub. Raises as `launch` does."""
    others = [*(["--offline"] if offline else []), *(["--ray", ray] if ray else [])]
    command = Command.asked(recipe, changes, root, name, others)
    with hub_closed(offline):
        wanted = request(recipe, changes, root, name, until)
        return launch(wanted, ray, retry_failed=retry_failed, redo=redo, quiet=quiet, command=command)


def repair(
    recipe: Recipe, changes: Sequence[Change], root: str, name: str | None, offline: bool, ray: str | None
) -> RepairSummary:
    """Make the damaged shards of a run again. Raises Refused or TasksFailed."""
    with hub_closed(offline):
        wanted = request(recipe, changes, root, name)
        run_folder(wanted.folder.url)
        with executor_for(ray) as executor, broadcast(wanted.folder, wanted.recipe, executor) as listener:
            return repair_steps(wanted.steps, wanted.folder, executor, listener)


def launch(
    wanted: Request,
    ray: str | None = None,
    *,
    retry_failed: bool = False,
    redo: str | None = None,
    quiet: bool = False,
    command: Command | None = None,
) -> RunSummary:
    """Make the wanted steps, and the gallery once there are pairs. The same request resumes a run that was stopped.

    `ray`: where tasks run (executors/choice.py); `retry_failed`: URLs that failed are asked again; `redo`: a step that
    is discarded first, with those after it (run/redo.py); `quiet`: nothing is shown on stderr, the event log is
    written all the same; `command`: what the person typed, so that the summary can propose another. Raises Refused or
    TasksFailed.
    """
    _check_not_importing()
    galleries: list[str] = []

    def show_pairs(manifests: Mapping[str, Manifest]) -> None:
        if "pairs" in manifests:  # a gallery that is there is of these: it goes before anything is made
            if not wanted.folder.has(GALLERY):
                listener.said("writing the gallery")
                write_report(Run(wanted.folder))
            galleries.append(f"{wanted.folder.url}/{GALLERY}")

    with (
        executor_for(ray) as executor,
        broadcast(wanted.folder, wanted.recipe, executor, quiet=quiet) as listener,
    ):
        if wanted.kept:
            listener.said(wanted.kept)
        manifests = run_steps(
            wanted.steps,
            wanted.folder,
            executor,
            listener,
            show_pairs,
            lambda: asked_again(wanted.config, wanted.folder, listener.said, retry=retry_failed),
            redo,
        )
    committed = tuple(_committed(manifest) for manifest in manifests.values())
    notes = _left_behind(Run(wanted.folder)) if "pairs" in manifests else ()
    last = closing(manifests, command)
    return RunSummary(wanted.folder.url, committed, galleries[0] if galleries else None, last, notes)


def _check_not_importing() -> None:
    """Refuse to start a run while a worker of another one imports the script that started both."""
    if getattr(current_process(), "_inheriting", False):  # multiprocessing's own mark of such a worker
        raise Refused('a worker process imports your script: start the run under `if __name__ == "__main__":`')


def _left_behind(run: Run) -> tuple[str, ...]:
    """Name what people kept or froze and the run no longer finds; or say why what they wrote cannot be read."""
    try:
        told = str(unlisted_of(run, known_store(run.folder)))
    except Refused as error:
        told = f"whether people's pairs are still among these is not known: {error}"
    return (told,) if told else ()


def _committed(manifest: Manifest) -> StepSummary:
    shards = len(manifest.shards)
    return StepSummary(manifest.folder.name, "committed", shards, shards, manifest.counts)
