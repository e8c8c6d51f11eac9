"""Planning: what a run would do and take, step by step, before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from manifests.counts import Counts
from manifests.draft import Draft
from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.shard import SUFFIX
from manifests.storage import Folder
from pipeline.answers import PlanAnswer, StepAnswer
from pipeline.config import Config
from pipeline.forecast import forecast
from pipeline.growth import begun, other_inputs
from pipeline.recipe import Step
from pipeline.rehearsal.forecast import EmbeddingForecast
from pipeline.rehearsal.rehearse import Unmeasured, rehearsed
from pipeline.survey import Finding, State, survey
from stages.base import Task

NOTHING = Counts()


def planned(config: Config, wanted: Sequence[Step], run: Folder, *, measure: bool = False) -> PlanAnswer:
    """Each step's state, and what embedding and search will take where it is known how many images there are.

    `measure`: where vectors are to be made, the embed step is run on drawn photos, for less than a minute.
    """
    findings = survey(wanted, run)
    there = {
        one.step.name: one.there for one in findings if one.state is State.TAKE and isinstance(one.there, Manifest)
    }
    steps = tuple(_step(finding, there) for finding in findings)
    searched = any(one.step.name == "candidates" and one.state in (State.TAKE, State.GROW) for one in findings)
    images = _images(config, findings, there)
    embedding = _embedding(config, findings, there, images) if measure else None
    search = forecast(config, there, images) if images and not searched else None
    return PlanAnswer(run.url, steps, search, embedding)


def imagined(config: Config, wanted: Sequence[Step], run: Folder, images: int, *, measure: bool = False) -> PlanAnswer:
    """What so many images would take; sources are not looked at, weights only to `measure`, if they are at hand."""
    there = {"embeddings": Manifest.open(run / "embeddings")} if (run / "embeddings").has(COMMIT) else {}
    embed = next(step for step in wanted if step.name == "embeddings")
    embedding = _measured_if_at_hand(config, embed, images) if measure else None
    return PlanAnswer(run.url, (), forecast(config, there, images), embedding)


def _measured_if_at_hand(config: Config, embed: Step, images: int) -> EmbeddingForecast | Unmeasured:
    try:
        embed.stage.outside()
    except Refused as refusal:
        return Unmeasured(f"{refusal} (a plan with --images asks no hub)")
    return _measured(config, embed, images)


def _measured(config: Config, embed: Step, images: int | None) -> EmbeddingForecast | Unmeasured:
    found = rehearsed(embed)
    return found if isinstance(found, Unmeasured) else EmbeddingForecast(images, found, config.prices)


def _embedding(
    config: Config, findings: Sequence[Finding], there: Mapping[str, Manifest], images: int | None
) -> EmbeddingForecast | Unmeasured | None:
    """What embedding will take, of what is missing as far as that is known; None where nothing is."""
    finding = next((one for one in findings if one.step.name == "embeddings"), None)
    if finding is None or finding.state is State.TAKE:
        return None
    left = images if finding.state is State.MAKE else _missing(finding, there)
    return None if left == 0 else _measured(config, finding.step, left)


def _missing(finding: Finding, there: Mapping[str, Manifest]) -> int | None:
    """How many images of a begun step have no vectors yet; None before the images table has grown too."""
    if "images" not in there:
        return None
    shards = finding.folder.sizes()
    return sum(one.counts.ok for one in there["images"].shards if f"{one.name}{SUFFIX}" not in shards)


def _images(config: Config, findings: Sequence[Finding], there: Mapping[str, Manifest]) -> int | None:
    """How many images will be searched, as far as that is known: those embedded, those read, or files in folders."""
    for step in ("embeddings", "images"):
        if step in there:
            return there[step].counts.ok
    found = findings[0].lineage.outside.get("found", {})
    folders = all(source.kind == "folder" for source in config.images.sources)
    return sum(facts["files"] for facts in found.values()) if folders else None


def _step(finding: Finding, there: Mapping[str, Manifest]) -> StepAnswer:
    step, state = finding.step, finding.state
    if state is State.TAKE:
        found = there[step.name]
        return StepAnswer(step.name, state, len(found.shards), len(found.shards), found.counts)
    shards, tasks, urls = 0, None, ""
    if state is State.FINISH and isinstance(finding.there, Draft):
        tasks = len(finding.there.tasks)
        shards = tasks - len(finding.there.missing())
    elif state is State.GROW:
        return _growing(finding, there)
    elif all(name in there for name in step.reads):
        made = step.stage.plan({name: there[name] for name in step.reads})
        tasks, urls = len(made), _urls(made)
    return StepAnswer(step.name, state, shards, tasks, NOTHING, note=_amount(finding) + urls)


def _growing(finding: Finding, there: Mapping[str, Manifest]) -> StepAnswer:
    """How many shards there are, and how many are new, as far as that is known before its inputs grew."""
    step, old = finding.step, finding.there
    assert old is not None  # or nothing could grow
    before, tasks = begun(old), list(finding.tasks)
    if not tasks and all(name in there for name in step.reads):
        reads = {name: there[name] for name in step.reads}
        if odd := other_inputs(old, reads):
            raise Refused(f"{finding.folder.url} was made of another {', '.join(odd)} than there is now")
        tasks = step.stage.extended(before, reads)
    there_now = {f"{task.name}{SUFFIX}" for task in tasks or before.tasks} & finding.folder.sizes().keys()
    new = len(tasks) - len(there_now)
    note = f"{new:,} new shards; {_amount(finding)}" if tasks else f"grows with {', '.join(step.reads)}"
    return StepAnswer(step.name, finding.state, len(there_now), len(tasks) or None, NOTHING, note=note)


def _urls(tasks: Sequence[Task]) -> str:
    """How many rows of tables of URLs are to be fetched, where tasks are stretches of such."""
    stretches = [task.facts for task in tasks if "urls" in task.facts and not task.facts["listed"]]
    rows, urls = (sum(facts[name] for facts in stretches) for name in ("rows", "urls"))
    return f"; {urls:,} of {rows:,} rows have a URL and pass the filters" if stretches else ""


def _amount(finding: Finding) -> str:
    """How much there is to do, as far as the lineage says it before anything ran."""
    if finding.state is State.REMAKE:
        return "; ".join(map(str, finding.changed))
    found = finding.lineage.outside.get("found", {})
    sizes = [f"{name}: {facts['files']:,} files, {facts['bytes'] / 1e9:,.2f} GB" for name, facts in found.items()]
    return "; ".join(sizes) or f"after {', '.join(finding.step.reads)}"
