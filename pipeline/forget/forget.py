"""Forget: `blindpairs forget`, which removes images from every manifest of a run and leaves no trace of them.

What is to be removed is recorded first (intent.py), so that a killed forget is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from manifests.draft import Draft
from manifests.errors import Refused
from manifests.lineage import Lineage
from manifests.manifest import COMMIT, Manifest, Removed
from manifests.removal import Held
from manifests.shard import write_shard
from manifests.storage import Folder
from pipeline.benchmark.store_path import known_store
from pipeline.forget.bytes_there import wiped
from pipeline.forget.evaluations import Evaluations
from pipeline.forget.named import asked_for, find, named_as_served
from pipeline.forget.summary import ForgetSummary
from pipeline.forget.traces import naming, without_traces
from pipeline.forget.written import without_written
from pipeline.reports.gallery.write import write_report
from pipeline.run.layout import FORGOTTEN, GALLERY, REMOVAL, run_folder, sweep_left
from pipeline.run.lease.lease import Lease, driving
from pipeline.run.removal.intent import FORGET, Intent
from pipeline.run.removal.without import check_steps, steps_held, without
from pipeline.run.run import Run
from stages.copies.removal import with_hashes
from stages.download.fetch.opt_out import OptOut
from stages.filter.settings import FilterSettings
from stages.filter.stage import Filter


def forget(url: str, named: Sequence[str], listed: str | None = None, store: Path | None = None) -> ForgetSummary:
    """Remove the named images (each a URL, sha256 or image_id; `listed`: a file of them) from the run at `url`.

    `store`: where people's answers are stored, if not in the run's folder. Without names, finish an interrupted
    forget. Raises Refused for a name of no valid form, where nothing is named, where another process drives the
    run, and where a shard was changed since its commit.
    """
    folder, names = run_folder(url), asked_for(named, listed)
    if names == OptOut() and not folder.has(REMOVAL):
        raise Refused(f"nothing is named that {url} should forget: add a URL, a sha256, an image_id, or --list FILE")
    store = known_store(folder, store)
    with driving(folder) as lease, ExitStack() as stack:
        sweep_left(folder)
        driven = Driven(folder, lease, Evaluations(folder, stack), store)
        finished = _finish(driven)
        if names == OptOut():
            return finished or ForgetSummary(folder.url, 0)
        return _begin(driven, names, finished.images if finished else 0)


@dataclass(frozen=True)
class Driven:
    """A run that only this process drives, and its evaluations; `store`: what people wrote, if anything."""

    run: Folder
    lease: Lease
    evaluations: Evaluations
    store: Path | None

    def check(self) -> None:
        """Raise Refused if another process drives any of it by now."""
        self.lease.check()
        self.evaluations.check()


def _finish(driven: Driven) -> ForgetSummary | None:
    run = driven.run
    if (intent := Intent.read(run)) is None:
        return None
    if intent.kind != FORGET:
        raise Refused(f"{run.url}: `blindpairs run` was stopped while it took up URLs again; run it first, then forget")
    return _done(driven, intent)


def _sources(images: Held | None) -> Any:
    """Return the recipe's settings of each source. Raises Refused where the lineage was changed."""
    if images is None:
        return {}
    try:
        return images.lineage["settings"]["images"]["sources"]
    except (KeyError, TypeError) as error:
        raise Refused(
            f"{images.folder.url} has a lineage that names no sources: put the old _lineage.json and _plan.json back"
        ) from error


def _begin(driven: Driven, names: OptOut, finished: int) -> ForgetSummary:
    run, steps = driven.run, steps_held(driven.run)
    found = find(steps.get("images"), names, named_as_served(_sources(steps.get("images")), names.sha256))
    # an image that is no longer in the run may still occur in an evaluation, and in what people wrote
    elsewhere = names.image_ids if driven.evaluations.are_about(names.image_ids) else frozenset[str]()
    if not found.rows and not elsewhere:
        written = without_written(run, sorted(names.image_ids), Removed(_now(), FORGOTTEN), driven.store)
        return ForgetSummary(run.url, 0, found.counts, written, finished=finished)
    check_steps(steps)
    driven.evaluations.check_steps()
    ids = tuple(sorted({row["image_id"] for row in found.rows} | elsewhere))
    hashes = {row["sha256"] for row in found.rows} - {None}
    payload: dict[str, Any] = {
        "rows": list(found.rows),
        "named": dict(found.counts),
        "alike": len(with_hashes(steps["images"], hashes, pa.array(ids, pa.string()))),
        "pairs": settings_of(steps.get("pairs")),
        "gallery": run.has(GALLERY),
        "finished": finished,
    }
    intent = Intent(FORGET, ids, FORGOTTEN, payload=payload)
    intent.begin(run)
    return _done(driven, intent)


def _done(driven: Driven, intent: Intent) -> ForgetSummary:
    """Do the removal, from the start or from where it was interrupted."""
    told: Mapping[str, Any] = intent.payload
    run, note = driven.run, Removed(intent.at, intent.why)
    rows = without(run, intent.ids, note, driven.check) | without_written(run, intent.ids, note, driven.store)
    rows |= driven.evaluations.without(intent.ids, note, told["rows"])
    steps = steps_held(run)
    elsewhere = wiped(steps["images"].lineage["settings"]["images"]["sources"], told["rows"])
    without_traces(run, naming(told["rows"]))
    again = bool(told["pairs"]) and pairs_again(run, told["pairs"])
    driven.lease.confirm()
    intent.end(run)
    return ForgetSummary(
        run.url,
        len(told["rows"]),
        told["named"],
        rows,
        told["alike"],
        elsewhere,
        write_report(Run(run)) if told["gallery"] and again else None,
        told["finished"],
        again or not told["pairs"],
    )


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def settings_of(pairs: Held | None) -> dict[str, Any] | None:
    """Return what is needed to make the pairs again; None where there were none."""
    if pairs is None or pairs.commit is None:
        return None
    return {"lineage": pairs.lineage, "made_with": pairs.commit.get("made_with", {})}


def pairs_again(run: Folder, known: dict[str, Any]) -> bool:
    """Make and commit the pairs; False if their inputs are unfinished or have changed: then `run` makes them.

    Takes seconds, in this process: the filter reads the candidates once.
    """
    lineage = Lineage.from_json(known["lineage"])
    if not all((run / step).has(COMMIT) for step in lineage.inputs):
        return False
    reads = {step: Manifest.open(run / step) for step in lineage.inputs}
    if any(read.lineage.fingerprint != lineage.inputs[step] for step, read in reads.items()):
        return False
    stage, folder = Filter(FilterSettings(**lineage.settings["filter"])), run / "pairs"
    tasks, made_of = stage.plan(reads), {step: read.content for step, read in reads.items()}
    draft = Draft.begin(folder, lineage, [task.to_json() for task in tasks], made_of)
    receipts = {task.name: write_shard(folder, task.name, stage.schema(), stage.process(task, reads)) for task in tasks}
    draft.commit(receipts, expected=stage.expected(reads), made_with=known["made_with"])
    return True
