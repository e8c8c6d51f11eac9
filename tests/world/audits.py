"""A searched run made by hand, so that an audit can be told what there is to find."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from manifests.counts import Counts, by_status
from manifests.draft import Draft
from manifests.lineage import Lineage
from manifests.manifest import COMMIT, Manifest
from manifests.schema import Schema
from manifests.shard import SUFFIX, Part, write_shard
from manifests.storage import Folder
from manifests.tables import CANDIDATES, COPIES, OK, SKETCHES, embeddings
from stages.base import Machine
from stages.search.settings import SearchSettings
from stages.search.stage import Search

Row = tuple[str, str, float, float]  # left_id, right_id, blind_cosine, reference_cosine
Vectors = Mapping[str, np.ndarray]


def ids_of(count: int) -> list[str]:
    """So many ids, in no order."""
    return [f"{(place * 2654435761) % 2**32:08x}{place:024x}" for place in range(count)]


def random_vectors(count: int, seed: int, dims: tuple[int, int] = (6, 4)) -> Vectors:
    """(count, dim) float32 unit vectors of both roles."""
    rng = np.random.default_rng(seed)
    drawn = (rng.normal(size=(count, dim)) for dim in dims)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in drawn)
    return dict(zip(("blind", "reference"), (vectors.astype(np.float32) for vectors in unit), strict=True))


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    """The cosine of two vectors, number by number: the slow way."""
    (xx, yy), xy = (sum(float(a) ** 2 for a in v) for v in (x, y)), sum(float(a) * float(b) for a, b in zip(x, y))
    return xy / sqrt(xx * yy)


def pairs_above(vectors: Vectors, floor: float, without: Collection[int] = ()) -> list[Row]:
    """Every pair of images that are not `without` whose blind cosine reaches the floor, as candidates have them."""
    blind, reference = vectors["blind"], vectors["reference"]
    ids, rows = ids_of(len(blind)), []
    for i, j in combinations([place for place in range(len(blind)) if place not in without], 2):
        if (near := cosine(blind[i], blind[j])) >= floor:
            rows.append((*sorted((ids[i], ids[j])), near, cosine(reference[i], reference[j])))
    return rows


def commit(
    folder: Folder,
    schema: Schema,
    parts: Sequence[Part],
    settings: Any = None,
    made_of: Mapping[str, str] | None = None,
) -> Manifest:
    """A manifest of one shard a part."""
    lineage = Lineage(folder.name, "by hand 1", f"{schema.name} {schema.version}", settings or {}, {}, {})
    draft = Draft.begin(folder, lineage, [{"name": f"{number:05d}"} for number in range(len(parts))], made_of)
    names = [task["name"] for task in draft.tasks]
    return draft.commit({name: write_shard(folder, name, schema, [part]) for name, part in zip(names, parts)})


def searched_run(
    folder: Path,
    vectors: Vectors,
    *,
    ids: Sequence[str] | None = None,
    rejected: Collection[int] = (),
    copies: Mapping[int, int] = {},
    shards: int = 1,
    dtype: pa.DataType | None = None,
) -> Folder:
    """Embeddings, sketches and copies as a search reads them; `copies`: image -> the one that stands for it."""
    run, ids = Folder(str(folder)), ids or ids_of(len(vectors["blind"]))
    out = np.array([place in rejected for place in range(len(ids))], bool)
    told = {"image_id": pa.array(ids, pa.string()), "status": pa.array(np.where(out, "truncated", OK), pa.string())}
    told["error"] = pa.array(np.where(out, "it ends early", None), pa.string())
    wide = embeddings({role: array.shape[1] for role, array in vectors.items()}, dtype)
    lists = {role: _lists(array, wide.columns.field(role).type, out) for role, array in vectors.items()}
    empty = {name: pa.nulls(len(ids), SKETCHES.columns.field(name).type) for name in ("digest", "sketch")}
    commit(run / "embeddings", wide, _parts(pa.table(told | lists), shards))
    commit(run / "sketches", SKETCHES, _parts(pa.table(told | empty), shards))
    gone = [{"image_id": ids[copy], "copy_of": ids[first], "same": "bytes"} for copy, first in copies.items()]
    table = pa.Table.from_pylist(gone, schema=COPIES.columns)
    commit(run / "copies", COPIES, [Part(table, Counts(len(gone), len(gone)))])
    return run


def candidates_of(run: Folder, rows: Sequence[Row], *, cut: int = 0, **settings: Any) -> Manifest:
    """A committed candidates manifest of these rows, in two shards; `cut`: how many the cap took."""
    asked = {"blind": "blind", "reference": "reference", "method": "exact", "max_per_image": 100, **settings}
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, CANDIDATES.columns, strict=True)]
    table = pa.table(arrays, schema=CANDIDATES.columns)
    parts = [
        Part(half, Counts(half.num_rows, half.num_rows)) for half in (table[: len(rows) // 2], table[len(rows) // 2 :])
    ]
    rejected = {"over_max_per_image": cut} if cut else {}
    parts.append(Part(table[:0], Counts(cut, 0, rejected)))
    return commit(run / "candidates", CANDIDATES, parts, {"search": asked})


def rewritten(manifest: Manifest, rows: Sequence[Row]) -> Manifest:
    """The same candidates with other rows, of the same lineage and made of the same manifests: a search that errs."""
    manifest.folder.forget(COMMIT)
    for shard in manifest.shards:
        manifest.folder.forget(shard.name + SUFFIX)
    draft = Draft.begin(manifest.folder, manifest.lineage, [{"name": "all"}], manifest.made_of)
    arrays = [pa.array(values, field.type) for values, field in zip(zip(*rows), CANDIDATES.columns)]
    table = pa.table(arrays, schema=CANDIDATES.columns)
    rejected = manifest.counts.seen - len(rows)
    counts = Counts(manifest.counts.seen, len(rows), {"blind_cosine_below_floor": rejected})
    return draft.commit({"all": write_shard(manifest.folder, "all", CANDIDATES, [Part(table, counts)])})


def rows_of(manifest: Manifest) -> list[Row]:
    """Every row of a candidates manifest."""
    return [tuple(row.values()) for batch in manifest.batches(manifest.columns) for row in batch.to_pylist()]


def candidates_by_the_search(run: Folder, **settings: Any) -> Manifest:
    """What the real search makes of the run's vectors, by a method that reads no sketches."""
    asked = SearchSettings(blind="blind", reference="reference", **settings)
    stage, reads = Search(asked), {name: Manifest.open(run / name) for name in ("embeddings", "sketches", "copies")}
    stage.setup(Machine())
    lineage = Lineage("candidates", "search 2", "candidates 1", stage.settings, {}, {})
    tasks = stage.plan(reads)
    made_of = {name: manifest.content for name, manifest in reads.items()}
    draft = Draft.begin(run / "candidates", lineage, [task.to_json() for task in tasks], made_of)
    receipts = {
        task.name: write_shard(draft.folder, task.name, stage.schema(), stage.process(task, reads)) for task in tasks
    }
    return draft.commit(receipts, expected=stage.expected(reads))


def _lists(array: np.ndarray, kind: pa.DataType, out: np.ndarray) -> pa.Array:
    values = pa.array(np.ascontiguousarray(array).ravel().astype(kind.value_type.to_pandas_dtype()))
    return pa.FixedSizeListArray.from_arrays(values, type=kind, mask=pa.array(out))


def _parts(table: pa.Table, shards: int) -> list[Part]:
    step = -(-table.num_rows // shards)
    cut = (table[start : start + step] for start in range(0, table.num_rows, step))
    return [Part(part, by_status(part)) for part in cut]
