"""Make: what each command of the command line does, without the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import islice

from manifests.draft import PLAN
from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.cli.summaries import LineageSummary, RowsSummary
from pipeline.config.loading import PRESETS, named_values, preset_names, read_config
from pipeline.config.settings import Config
from pipeline.executors.choice import executor_for
from pipeline.plan.planning import imagined, planned
from pipeline.plan.summary import PlanSummary
from pipeline.reports.audit.audit import audit as audit_candidates
from pipeline.reports.audit.summary import AuditSummary
from pipeline.reports.gallery.write import write_report
from pipeline.reports.status.read import status_of
from pipeline.reports.status.summary import StatusSummary
from pipeline.run.events.broadcast import broadcast
from pipeline.run.layout import GALLERY, ORDER, lineage_of, manifest_of, run_folder, sweep_left
from pipeline.run.lease.lease import driving
from pipeline.run.prior_settings import as_begun
from pipeline.run.recipe import Step, steps
from pipeline.run.retry_failed import asked_again
from pipeline.run.runner import run as run_steps
from pipeline.run.summary import RunSummary, StepSummary
from stages.download.overlap import would_read, would_write


def run(
    recipe: str,
    changes: Sequence[str],
    root: str,
    name: str | None,
    until: str | None,
    offline: bool,
    ray: str | None,
    retry_failed: bool = False,
) -> RunSummary:
    """Make a run, and its gallery when it is whole. Raises Refused or TasksFailed."""
    config, folder, wanted, kept = _asked(recipe, changes, root, name, until, offline)
    galleries: list[str] = []

    def show_pairs(manifests: Mapping[str, Manifest]) -> None:
        if "pairs" in manifests:  # a gallery that is there is of these: it goes before anything is made
            if not folder.has(GALLERY):
                listener.said("writing the gallery")
                write_report(folder.url)
            galleries.append(f"{folder.url}/{GALLERY}")

    with executor_for(ray) as executor, broadcast(folder, recipe, executor) as listener:
        if kept:
            listener.said(kept)
        manifests = run_steps(
            wanted,
            folder,
            executor,
            listener,
            show_pairs,
            lambda: asked_again(config, folder, listener.said, retry=retry_failed),
        )
    answers = tuple(_committed(manifest) for manifest in manifests.values())
    return RunSummary(folder.url, answers, galleries[0] if galleries else None, _headline(manifests))


def plan(
    recipe: str,
    changes: Sequence[str],
    root: str,
    name: str | None,
    until: str | None,
    offline: bool,
    images: int | None,
    measure: bool = True,
) -> PlanSummary:
    """What `run` would do to each step, and what embedding and search will take; of `images` images if told how many.

    `measure`: the embed step is run on drawn photos to know its rate, for less than a minute.
    """
    if images:  # no source is looked at, so a preset need not be told of one; and weights are, but no hub is asked
        changes = ["images.sources.0.uri=none", *changes]
        config, folder, wanted, _ = _asked(recipe, changes, root, name, None, offline=True)
        return imagined(config, wanted, folder, images, measure=measure)
    config, folder, wanted, _ = _asked(recipe, changes, root, name, until, offline)
    return planned(config, wanted, folder, measure=measure)


def report(run: str) -> str:
    """Write the gallery of a finished run again; where it lies.

    Raises Refused while another process drives the run: it may be taking images out that this one would show.
    """
    folder = run_folder(run)
    with driving(folder):
        sweep_left(folder)
        return write_report(run)


def status(run: str) -> StatusSummary:
    """How far a run is and who drives it, from its folder alone, while it goes on."""
    return status_of(run)


def show(run: str, step: str, rows: int) -> RowsSummary:
    """The first rows of a manifest."""
    manifest = manifest_of(run, step)
    columns = manifest.columns
    found = (row for batch in manifest.batches(columns, max(rows, 1)) for row in batch.to_pylist())
    return RowsSummary(manifest.folder.url, tuple(columns), tuple(islice(found, rows)), manifest.rows)


def lineage(run: str, step: str) -> LineageSummary:
    """A step's lineage, and those of all it was made from."""
    chain = [lineage_of(run, step)]
    needed = set(chain[0].lineage.inputs)
    for name in reversed(ORDER[: ORDER.index(step)] if step in ORDER else ORDER):
        if name in needed:
            chain.append(lineage_of(run, name))
            needed |= set(chain[-1].lineage.inputs)
    return LineageSummary(tuple(chain))


def audit(run: str, images: int, seed: int) -> AuditSummary:
    """What random images, compared with all others by other code, say of a run's candidates. Kept beside them."""
    candidates, folder = manifest_of(run, "candidates"), run_folder(run)
    found = audit_candidates(folder, candidates, images=images, seed=seed)
    shown = f"`blindpairs report {run}` shows it in the gallery" if (folder / "pairs").has(COMMIT) else ""
    return AuditSummary(candidates.folder.url, found, shown)


def presets(name: str | None) -> str:
    """The presets' names, or one preset's text."""
    if name is None:
        return "\n".join(preset_names())
    if name not in preset_names():
        raise Refused(f"preset {name!r} is not known; presets are: {', '.join(preset_names())}")
    return (PRESETS / f"{name}.yaml").read_text().rstrip()


def _asked(
    recipe: str, changes: Sequence[str], root: str, name: str | None, until: str | None, offline: bool
) -> tuple[Config, Folder, list[Step], str]:
    """The recipe, the run's folder, the steps wanted, and what of the run is kept although its preset changed.

    `--offline` is the hubs' own switch, which workers inherit.
    """
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    config = read_config(recipe, changes, name)
    run = Folder(root) / config.run
    config, kept = as_begun(config, run, named_values(recipe, changes))
    wanted = steps(config)
    _check_apart(config, run)
    names = [step.name for step in wanted]
    if until is not None and until not in names:
        raise Refused(f"--until {until}: there is no such step; steps are: {', '.join(names)}")
    return config, run, wanted[: names.index(until) + 1] if until else wanted, kept


def _check_apart(config: Config, run: Folder) -> None:
    """Refuse a run that lies where one of its own sources would read it: what it writes would be read again."""
    written = [GALLERY, *(f"{step}/{name}" for step in ORDER for name in (PLAN, COMMIT, "00000.parquet"))]
    for source in config.images.sources:
        if would_read(source, run.url, written):
            raise Refused(f"{run.url} lies inside the source {source.name} ({source.uri}); choose another --root")
        if would_write(source, run.url):
            raise Refused(
                f"source {source.name}: what is fetched must not lie in the run {run.url}; choose another into"
            )


def _headline(manifests: Mapping[str, Manifest]) -> str:
    """The answer in one sentence, once there are pairs."""
    if "pairs" not in manifests:
        return ""
    chosen, pairs = manifests["pairs"].lineage.settings["filter"], manifests["pairs"].counts.ok
    bounds = f"blind {chosen['comparison']} {chosen['blind_min']:g}, reference < {chosen['reference_max']:g}"
    hint = "" if pairs else "; the gallery says which thresholds would give some"
    return f"{pairs:,} blind pairs among {manifests['embeddings'].counts.ok:,} images ({bounds}){hint}"


def _committed(manifest: Manifest) -> StepSummary:
    shards = len(manifest.shards)
    return StepSummary(manifest.folder.name, "committed", shards, shards, manifest.counts)
