"""Embeddings out of plain vectors, and what the stages after them make of these, without a runner."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from world.committed import committed, copies_manifest, images_manifest, lineage_of, scratch, sha256_of

from manifests.draft import Draft
from manifests.manifest import Manifest
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from manifests.tables import OK, PAIRS, embeddings
from stages.base import Machine, Reads, Stage, Task
from stages.copies.stage import Copies
from stages.directions.settings import SketchSettings
from stages.directions.stage import Directions
from stages.filter.settings import FilterSettings
from stages.filter.stage import Filter
from stages.search.settings import SearchSettings
from stages.search.stage import Search
from stages.sketch.stage import Sketch

Cosines = dict[tuple[str, str], tuple[float, float]]  # (left_id, right_id) -> blind, reference


def embeddings_manifest(
    folder: Path | str,
    ids: Sequence[str],
    vectors: Mapping[str, np.ndarray],
    *,
    shard_rows: Sequence[int] | None = None,
    rejected: Collection[int] = (),
    dtype: pa.DataType | None = None,
) -> Manifest:
    """An embeddings manifest: encoder -> (n, dim); rows at the places `rejected` have no vectors."""
    schema = embeddings({name: array.shape[1] for name, array in vectors.items()}, dtype)
    out = [place in rejected for place in range(len(ids))]
    columns: dict[str, Any] = {
        "image_id": pa.array(ids, pa.string()),
        "status": pa.array(["truncated" if gone else OK for gone in out], pa.string()),
        "error": pa.array(["it ends early" if gone else None for gone in out], pa.string()),
    }
    for name, array in vectors.items():
        kind = schema.columns.field(name).type
        values = pa.array(np.ascontiguousarray(array).ravel().astype(kind.value_type.to_pandas_dtype()))
        columns[name] = pa.FixedSizeListArray.from_arrays(values, type=kind, mask=pa.array(out, pa.bool_()))
    return committed(folder, schema, pa.table(columns), shard_rows)


def made(stage: Stage, reads: Reads, folder: Path | str) -> Manifest:
    """What a stage makes of these manifests: every task through its JSON, written and committed as by the runner."""
    place, planned = Folder(str(folder)), [task.to_json() for task in stage.plan(reads)]
    stage.setup(Machine())
    draft = Draft.begin(place, lineage_of(stage.schema()), planned)
    shards = {
        task["name"]: write_shard(place, task["name"], stage.schema(), stage.process(Task.from_json(task), reads))
        for task in planned
    }
    return draft.commit(shards, expected=stage.expected(reads))


def search_reads(
    manifest: Manifest,
    folder: Path | str,
    sha256: Sequence[str | None] | None = None,
    *,
    floor: float = 0.95,
    **sketch: Any,
) -> dict[str, Manifest]:
    """These embeddings and what a search reads beside them, made by the stages of a run; step -> manifest.

    `sha256`: of each image in the embeddings' order; without, no two have the same bytes.
    """
    ids = [name for batch in manifest.batches(["image_id"]) for name in batch.column(0).to_pylist()]
    digests = [sha256_of(place) for place in range(len(ids))] if sha256 is None else sha256
    reads = {"embeddings": manifest, "images": images_manifest(f"{folder}/images", ids, digests)}
    directions = Directions(SketchSettings(**sketch), "blind", floor)
    for stage, step in ((directions, "directions"), (Sketch("blind", "reference"), "sketches"), (Copies(), "copies")):
        reads[step] = made(stage, reads, f"{folder}/{step}")
    return reads


def search_of(**settings: Any) -> Search:
    return Search(SearchSettings(blind="blind", reference="reference", **settings))


def searched(
    manifest: Manifest,
    sha256: Sequence[str | None] | None = None,
    *,
    length: int | None = None,
    draw: int = 8192,
    backwards: bool = False,
    **settings: Any,
) -> tuple[list[Part], Cosines]:
    """Every tile of a search in these embeddings: its parts, and both cosines of each candidate.

    `length`: directions of a sketch; chosen by the stage by default. `draw`: vectors they are fitted on.
    """
    with scratch() as folder:
        floor = settings.get("min_cosine", 0.95)
        reads = search_reads(manifest, folder, sha256, floor=floor, length=length, draw=draw)
        return searched_in(reads, backwards, **settings)


def searched_in(reads: Reads, backwards: bool = False, **settings: Any) -> tuple[list[Part], Cosines]:
    """The same of what a search reads, so that several searches can read the same."""
    parts = [part for _, tile in tiles_of(search_of(**settings), reads, backwards) for part in tile]
    return parts, cosines_in(parts)


def tiles_of(stage: Search, reads: Reads, backwards: bool = False) -> Iterator[tuple[str, list[Part]]]:
    """The name and the parts of each tile, through the JSON a plan keeps them in."""
    stage.setup(Machine())
    tasks = [Task.from_json(task.to_json()) for task in stage.plan(reads)]
    for task in tasks[::-1] if backwards else tasks:
        yield task.name, list(stage.process(task, reads))


def cosines_in(parts: Sequence[Part]) -> Cosines:
    """Both cosines of each candidate of these parts, of which none comes twice."""
    found: Cosines = {}
    for part in parts:
        for left, right, blind, reference in zip(*part.table.to_pydict().values(), strict=True):
            assert left < right
            assert (left, right) not in found, "a pair came twice"
            found[left, right] = blind, reference
    return found


def filtered(
    candidates: Manifest, copies: Manifest | None = None, folder: Path | str | None = None, **settings: Any
) -> Part:
    """The one part that the filter makes, without copies by default; written to `folder`/all.parquet if given."""
    with scratch() as empty:
        reads = {"candidates": candidates, "copies": copies or copies_manifest(empty, {})}
        stage = Filter(FilterSettings(**settings))
        (task,) = stage.plan(reads)
        (part,) = stage.process(task, reads)
    if folder is not None:
        write_shard(Folder(str(folder)), task.name, PAIRS, [part])
    return part
