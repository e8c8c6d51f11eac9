"""Make: what `run`, `plan` and `presets` do, without the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from manifests.draft import PLAN
from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.config.loading import PRESETS, named_values, preset_names, read_config
from pipeline.config.settings import Config
from pipeline.executors.choice import executor_for
from pipeline.plan.planning import imagined, planned
from pipeline.plan.summary import PlanSummary
from pipeline.reports.gallery.write import write_report
from pipeline.run.events.broadcast import broadcast
from pipeline.run.layout import GALLERY, ORDER
from pipeline.run.prior_settings import as_begun
from pipeline.run.recipe import Step, steps
from pipeline.run.retry_failed import asked_again
from pipeline.run.run import Run
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
                write_report(Run(folder))
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
