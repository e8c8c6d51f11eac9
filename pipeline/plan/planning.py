"""Planning: work out what a run would do and take, step by step, before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from manifests.counts import Counts
from manifests.draft import Draft
from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.shard import SUFFIX
from manifests.storage import Folder
from pipeline.config.settings import Config
from pipeline.plan.figures import size
from pipeline.plan.rehearsal.forecast import EmbeddingForecast
from pipeline.plan.rehearsal.rehearse import Unmeasured, rehearsed
from pipeline.plan.search import forecast
from pipeline.plan.summary import PlanSummary
from pipeline.run.growth import begun, other_inputs, rebuilt_since
from pipeline.run.recipe import Step
from pipeline.run.resolve import Resolution, State, resolve
from pipeline.run.summary import StepSummary
from stages.base import Task
from stages.download.counting import ImageCount, counted
from stages.text import many

NOTHING = Counts()


def planned(config: Config, wanted: Sequence[Step], run: Folder, *, measure: bool = False) -> PlanSummary:
    """Return each step's state, and what embedding and search will take where the number of images is known.

    `measure`: if vectors are to be made, run the embed step on drawn photos for less than a minute.
    """
    resolutions = resolve(wanted, run)
    there = {
        one.step.name: one.there for one in resolutions if one.state is State.REUSE and isinstance(one.there, Manifest)
    }
    counts = {} if "images" in there else _counts(config, resolutions[0])
    steps = tuple(_step(resolution, there, counts) for resolution in resolutions)
    searched = any(one.step.name == "candidates" and one.state in (State.REUSE, State.EXTEND) for one in resolutions)
    images = _images(counts, there)
    embedding = _embedding(config, resolutions, there, images) if measure else None
    search = forecast(config, there, images) if images and not searched else None
    return PlanSummary(run.url, steps, search, embedding)


def imagined(config: Config, wanted: Sequence[Step], run: Folder, images: int, *, measure: bool = False) -> PlanSummary:
    """Plan for `images` images; sources are not read, and weights only to `measure`, if they are available locally."""
    there = {"embeddings": Manifest.open(run / "embeddings")} if (run / "embeddings").has(COMMIT) else {}
    embed = next(step for step in wanted if step.name == "embeddings")
    embedding = _measured_if_at_hand(config, embed, images) if measure else None
    return PlanSummary(run.url, (), forecast(config, there, images), embedding)


def _measured_if_at_hand(config: Config, embed: Step, images: int) -> EmbeddingForecast | Unmeasured:
    try:
        embed.stage.external_state()
    except Refused as refusal:
        return Unmeasured(f"{refusal} (a plan with --images asks no hub)")
    return _measured(config, embed, images)


def _measured(config: Config, embed: Step, images: int | None) -> EmbeddingForecast | Unmeasured:
    found = rehearsed(embed)
    return found if isinstance(found, Unmeasured) else EmbeddingForecast(images, found, config.prices)


def _embedding(
    config: Config, resolutions: Sequence[Resolution], there: Mapping[str, Manifest], images: int | None
) -> EmbeddingForecast | Unmeasured | None:
    """Forecast the embedding of the missing images, as far as they are known; None where none is missing."""
    resolution = next((one for one in resolutions if one.step.name == "embeddings"), None)
    if resolution is None or resolution.state is State.REUSE:
        return None
    left = images if resolution.state is State.BUILD else _missing(resolution, there)
    return None if left == 0 else _measured(config, resolution.step, left)


def _missing(resolution: Resolution, there: Mapping[str, Manifest]) -> int | None:
    """Return how many images of a begun step have no vectors yet; None until the images table has grown, too."""
    if "images" not in there:
        return None
    shards = resolution.folder.sizes()
    return sum(one.counts.ok for one in there["images"].shards if f"{one.name}{SUFFIX}" not in shards)


def _counts(config: Config, images: Resolution) -> Mapping[str, ImageCount]:
    """Return source -> how many images it holds, as far as is known before the images step has run."""
    found = images.lineage.external_state.get("found", {})
    return {source.name: counted(source, found[source.name]["files"]) for source in config.images.sources}


def _images(counts: Mapping[str, ImageCount], there: Mapping[str, Manifest]) -> int | None:
    """Return how many images will be searched, as far as known: embedded images, read images, or those of sources."""
    for step in ("embeddings", "images"):
        if step in there:
            return there[step].counts.ok
    known = [count.images for count in counts.values() if count.images is not None]
    return sum(known) if len(known) == len(counts) else None


def _step(resolution: Resolution, there: Mapping[str, Manifest], counts: Mapping[str, ImageCount]) -> StepSummary:
    step, state = resolution.step, resolution.state
    if state is State.REUSE:
        found = there[step.name]
        return StepSummary(step.name, state, len(found.shards), len(found.shards), found.counts)
    shards, tasks, urls = 0, None, ""
    if state is State.RESUME and isinstance(resolution.there, Draft):
        tasks = len(resolution.there.tasks)
        shards = tasks - len(resolution.there.missing())
    elif state is State.EXTEND:
        return _growing(resolution, there, counts)
    elif all(name in there for name in step.reads):
        made = step.stage.plan({name: there[name] for name in step.reads})
        tasks, urls = len(made), _urls(made)
    return StepSummary(step.name, state, shards, tasks, NOTHING, note=_amount(resolution, counts) + urls)


def _growing(resolution: Resolution, there: Mapping[str, Manifest], counts: Mapping[str, ImageCount]) -> StepSummary:
    """Return how many shards exist and how many are new, as far as known before the step's inputs have grown."""
    step, old = resolution.step, resolution.there
    assert old is not None  # otherwise nothing could grow
    before, tasks = begun(old), list(resolution.tasks)
    if not tasks and all(name in there for name in step.reads):
        reads = {name: there[name] for name in step.reads}
        if odd := other_inputs(old, reads):
            raise rebuilt_since(resolution.folder, odd)
        tasks = step.stage.extended(before, reads)
    there_now = {f"{task.name}{SUFFIX}" for task in tasks or before.tasks} & resolution.folder.sizes().keys()
    new = len(tasks) - len(there_now)
    note = (
        f"{many(new, 'new shard')}; {_amount(resolution, counts)}" if tasks else f"grows with {', '.join(step.reads)}"
    )
    return StepSummary(step.name, resolution.state, len(there_now), len(tasks) or None, NOTHING, note=note)


def _urls(tasks: Sequence[Task]) -> str:
    """Say how many rows of tables of URLs are to be fetched, where tasks are stretches of such tables."""
    stretches = [task.facts for task in tasks if "urls" in task.facts and not task.facts["listed"]]
    rows, urls = (sum(facts[name] for facts in stretches) for name in ("rows", "urls"))
    return f"; {urls:,} of {rows:,} rows have a URL and pass the filters" if stretches else ""


def _amount(resolution: Resolution, counts: Mapping[str, ImageCount]) -> str:
    """Say how much there is to do, as far as the lineage shows before anything has run."""
    if resolution.state is State.REBUILD:
        return "; ".join(map(str, resolution.changed))
    found = resolution.lineage.external_state.get("found", {})
    sizes = [
        f"{name}: {many(facts['files'], 'file')}, {size(facts['bytes'])}"
        + (f", {counts[name]}" if name in counts else "")
        for name, facts in found.items()
    ]
    return "; ".join(sizes) or f"after {', '.join(resolution.step.reads)}"
