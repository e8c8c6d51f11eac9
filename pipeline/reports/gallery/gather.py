"""Gather: collect the report's facts from a run's manifests. Reads columns and draws, never complete manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests.counts import Counts
from manifests.manifest import Manifest
from pipeline.reports.audit.result import read_audit
from pipeline.reports.gallery.advice import advised
from pipeline.reports.gallery.draws import candidate_cosines, random_cosines
from pipeline.reports.gallery.facts import Pair, Photo, Report, Stage
from pipeline.reports.gallery.planted import read_planted
from pipeline.reports.pages.paths import shortened
from pipeline.reports.pages.prefetch import ahead
from pipeline.reports.pages.provenance import settings_of
from pipeline.reports.pages.thumbnails import thumbnail
from pipeline.run.events.events import read_events
from pipeline.run.layout import ORDER
from pipeline.run.run import Run
from stages import images
from stages.filter.reasons import THRESHOLDS
from stages.images import ImageRefused

SHOWN = 1000  # pairs on the page
TEXT = 500  # characters of a caption, key or url
PHOTO = (
    "image_id",
    "source",
    "key",
    "url",
    "caption",
    "label",
    "width",
    "height",
    "license",
    "uri",
    "offset",
    "length",
)


def gather(run: Run) -> Report:
    """Collect the facts of a finished run. Raises NotCommitted where a step is missing."""
    manifests = {name: run.manifest(name) for name in ORDER}
    search = manifests["candidates"].lineage.settings["search"]
    chosen = manifests["pairs"].lineage.settings["filter"]
    encoders = manifests["embeddings"].lineage.settings["embed"]["encoders"]
    candidates = candidate_cosines(manifests["candidates"])
    background = random_cosines(manifests["embeddings"], (search["blind"], search["reference"]))
    return Report(
        title=run.folder.name,
        blind=_described(search["blind"], encoders),
        reference=_described(search["reference"], encoders),
        blind_min=chosen["blind_min"],
        reference_max=chosen["reference_max"],
        comparison=chosen["comparison"],
        floor=search["min_cosine"],
        pairs_total=manifests["pairs"].counts.ok,
        pairs=_pairs(manifests),
        funnel=tuple(_funnel(manifests)),
        candidates_total=manifests["candidates"].rows,
        candidate_blind=candidates[0],
        candidate_reference=candidates[1],
        random_blind=background[0],
        random_reference=background[1],
        settings=tuple(settings_of(manifests.values())),
        planted=read_planted(run.folder, manifests["pairs"]),
        audit=read_audit(manifests["candidates"]),
        advice=advised(manifests),
        recipe=_recipe(run),
        fingerprint=manifests["pairs"].lineage.fingerprint,
        version=version("blindpairs"),
    )


@dataclass(frozen=True)
class _Pairs(Sequence[Pair]):
    """The kept pairs, best first; a thumbnail is made only when its pair is accessed."""

    rows: tuple[Mapping[str, Any], ...]
    photos: Mapping[str, Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Pair]:
        return ahead(self.__getitem__, len(self))

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return _Pairs(self.rows[place], self.photos)
        row = self.rows[place]
        cosines = (row["blind_cosine"], row["reference_cosine"], row["gap"])
        sides = (_photo(self.photos[row[f"{side}_id"]], row[f"{side}_copies"]) for side in ("left", "right"))
        return Pair(row["rank"], *cosines, row["group"], *sides)


def _pairs(manifests: Mapping[str, Manifest]) -> _Pairs:
    cosines, copies = ("blind_cosine", "reference_cosine", "gap"), ("left_copies", "right_copies")
    columns = ("left_id", "right_id", *cosines, "group", "rank", *copies)
    batches = (_best(batch) for batch in manifests["pairs"].batches(columns))
    rows = sorted((row for batch in batches for row in batch.to_pylist()), key=lambda row: row["rank"])[:SHOWN]
    ids = pa.array({row[side] for row in rows for side in ("left_id", "right_id")}, pa.string())
    photos: dict[str, Mapping[str, Any]] = {}
    for batch in manifests["images"].batches(PHOTO):
        shown = batch.filter(pc.is_in(batch.column("image_id"), ids))
        photos |= {row["image_id"]: row for row in shown.to_pylist()}
    return _Pairs(tuple(rows), photos)


def _best(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.filter(pc.fill_null(pc.less_equal(batch.column("rank"), SHOWN), False))


def _photo(row: Mapping[str, Any], copies: int) -> Photo:
    try:
        thumb = thumbnail(images.decode(images.read(row["uri"], row["offset"], row["length"])))
    except ImageRefused:
        thumb = ""  # the page says that the image is no longer there
    facts = {name: _bounded(row[name]) for name in PHOTO if name not in ("uri", "offset", "length")}
    return Photo(**facts, copies=copies, thumbnail=thumb)


def _bounded(value: Any) -> Any:
    """Cut a text to a length that a person reads on a card: a caption may be as long as a book."""
    return value if not isinstance(value, str) or len(value) <= TEXT else value[: TEXT - 1] + "…"


def _funnel(manifests: Mapping[str, Manifest]) -> Iterator[Stage]:
    steps = ("images", "embeddings", "sketches", "copies", "candidates", "pairs")
    seen, embedded, sound, distinct, compared, pairs = (manifests[step].counts for step in steps)
    yield Stage("images seen", seen.seen)
    yield Stage("readable", seen.ok, lost=_reasons(seen))
    yield Stage("embedded", embedded.ok, lost=_reasons(embedded, less=seen))
    yield Stage("distinct", distinct.ok, lost=_reasons(sound, less=embedded) + _reasons(distinct))
    yield Stage("comparisons", compared.seen, "pairs of images")
    yield Stage("candidates", compared.ok, "pairs of images", _reasons(compared))
    thresholds = tuple((reason, n) for reason, n in _reasons(pairs) if reason in THRESHOLDS)
    within = pairs.seen - sum(count for _, count in thresholds)
    yield Stage("within both thresholds", within, "pairs of images", thresholds)
    others = tuple(entry for entry in _reasons(pairs) if entry not in thresholds)
    yield Stage("blind pairs", pairs.ok, "pairs of images", others)


def _recipe(run: Run) -> str:
    """Return the file or preset that a person named to make the run; "" if the log of its events does not say."""
    started = [one for drive in read_events(run.folder) for one in drive if one["event"] == "run started"]
    named = started[-1].get("recipe") if started else None
    return named.replace("\\", "/").rsplit("/", 1)[-1] if isinstance(named, str) else ""


def _reasons(counts: Counts, less: Counts | None = None) -> tuple[tuple[str, int], ...]:
    earlier = less.rejected if less else {}
    found = ((reason, count - earlier.get(reason, 0)) for reason, count in counts.rejected.items())
    return tuple(entry for entry in found if entry[1])


def _described(name: str, encoders: Mapping[str, Any]) -> str:
    settings = encoders[name]
    words = [str(shortened(settings[key])) for key in ("model", "pretrained", "pooling") if settings.get(key)]
    return f"{name} ({', '.join(words) or 'built in'})"
