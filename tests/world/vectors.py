"""Committed manifests out of plain values, and all tiles or all pairs of them, without a runner."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
from fsspec.core import url_to_fs

from manifests.counts import Counts, by_status
from manifests.draft import Draft
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from manifests.tables import CANDIDATES, IMAGES, OK, PAIRS, embeddings
from stages.base import Task
from stages.filter.settings import FilterSettings
from stages.filter.stage import Filter
from stages.search.settings import SearchSettings
from stages.search.stage import Search

Cosines = dict[tuple[str, str], tuple[float, float]]  # (left_id, right_id) -> blind, reference


@contextmanager
def scratch() -> Iterator[str]:
    """A folder in memory, gone afterwards: no sync to a disk for each of a thousand examples."""
    url = f"memory://{uuid4().hex}"
    try:
        yield url
    finally:
        fs, path = url_to_fs(url)
        if fs.exists(path):
            fs.rm(path, recursive=True)


def names(count: int) -> list[str]:
    """So many ids of 32 hex digits, in no order."""
    return [f"{(place * 2654435761) % 2**32:08x}{place:024x}" for place in range(count)]


def lineage_of(schema: Schema, **settings: Any) -> Lineage:
    return Lineage("step", "made by hand 1", f"{schema.name} {schema.version}", settings, {}, {})


def committed(folder: Path | str, schema: Schema, table: pa.Table, shard_rows: Sequence[int] | None = None) -> Manifest:
    """`table` cut into shards of these sizes (one shard by default; none: no shards), committed."""
    place = Folder(str(folder))
    sizes = [table.num_rows] if shard_rows is None else shard_rows
    assert sum(sizes) == table.num_rows
    draft = Draft.begin(place, lineage_of(schema), [{"name": f"{number:05d}"} for number in range(len(sizes))])
    receipts = {}
    for task, (start, stop) in zip(draft.tasks, pairwise(accumulate(sizes, initial=0)), strict=True):
        part = table.slice(start, stop - start)
        counts = by_status(part) if "status" in part.column_names else Counts(part.num_rows, part.num_rows)
        receipts[task["name"]] = write_shard(place, task["name"], schema, [Part(part, counts)])
    return draft.commit(receipts)


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


def images_table(ids: Sequence[str], sha256: Sequence[str | None]) -> pa.Table:
    rows = [
        dict.fromkeys(IMAGES.columns.names)
        | {"image_id": name, "source": "made", "key": f"picture {place}", "sha256": digest, "status": OK}
        for place, (name, digest) in enumerate(zip(ids, sha256, strict=True))
    ]
    return pa.Table.from_pylist(rows, schema=IMAGES.columns)


def images_manifest(
    folder: Path | str, ids: Sequence[str], sha256: Sequence[str | None], shard_rows: Sequence[int] | None = None
) -> Manifest:
    return committed(folder, IMAGES, images_table(ids, sha256), shard_rows)


def candidates_manifest(
    folder: Path | str, rows: Sequence[tuple[str, str, float, float]], shard_rows: Sequence[int] | None = None
) -> Manifest:
    """A candidates manifest of (left_id, right_id, blind_cosine, reference_cosine) rows."""
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, CANDIDATES.columns, strict=True)]
    return committed(folder, CANDIDATES, pa.table(arrays, schema=CANDIDATES.columns), shard_rows)


def search_of(**settings: Any) -> Search:
    return Search(SearchSettings(blind="blind", reference="reference", **settings))


def searched(manifest: Manifest, *, backwards: bool = False, **settings: Any) -> tuple[list[Part], Cosines]:
    """Every tile of a search, through the JSON a plan keeps them in: the parts, and both cosines of each candidate."""
    stage, reads = search_of(**settings), {"embeddings": manifest}
    tasks = [Task.from_json(task.to_json()) for task in stage.plan(reads)]
    parts = [part for task in (tasks[::-1] if backwards else tasks) for part in stage.process(task, reads)]
    found: Cosines = {}
    for part in parts:
        for left, right, blind, reference in zip(*part.table.to_pydict().values(), strict=True):
            assert (left, right) not in found, "a pair came twice"
            found[left, right] = blind, reference
    return parts, found


def filtered(candidates: Manifest, images: Manifest, folder: Path | str | None = None, **settings: Any) -> Part:
    """The one part that the filter makes; written to `folder`/all.parquet too, where there is one."""
    stage, reads = Filter(FilterSettings(**settings)), {"candidates": candidates, "images": images}
    (task,) = stage.plan(reads)
    (part,) = stage.process(task, reads)
    if folder is not None:
        write_shard(Folder(str(folder)), task.name, PAIRS, [part])
    return part
