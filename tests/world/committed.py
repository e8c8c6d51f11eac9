"""Committed manifests out of plain values, in folders that last no longer than a test."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
from fsspec.core import url_to_fs

from manifests.counts import Counts, by_status
from manifests.draft import Draft
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from manifests.tables import CANDIDATES, COPIES, IMAGES, OK


@contextmanager
def scratch() -> Iterator[str]:
    """A folder for an example of a test, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


@contextmanager
def memory_bucket() -> Iterator[str]:
    """A bucket in this process's memory, gone afterwards."""
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


def sha256_of(number: int) -> str:
    """The sha256 of the bytes of one made-up file."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def lineage_of(schema: Schema, **settings: Any) -> Lineage:
    return Lineage("step", "made by hand 1", f"{schema.name} {schema.version}", settings, {}, {})


def committed(
    folder: Path | str, schema: Schema, table: pa.Table, shard_rows: Sequence[int] | None = None, **settings: Any
) -> Manifest:
    """`table` cut into shards of these sizes (one shard by default; none: no shards), committed."""
    place = Folder(str(folder))
    sizes = [table.num_rows] if shard_rows is None else shard_rows
    assert sum(sizes) == table.num_rows
    draft = Draft.begin(
        place, lineage_of(schema, **settings), [{"name": f"{number:05d}"} for number in range(len(sizes))]
    )
    receipts = {}
    for task, (start, stop) in zip(draft.tasks, pairwise(accumulate(sizes, initial=0)), strict=True):
        part = table.slice(start, stop - start)
        counts = by_status(part) if "status" in part.column_names else Counts(part.num_rows, part.num_rows)
        receipts[task["name"]] = write_shard(place, task["name"], schema, [Part(part, counts)])
    return draft.commit(receipts)


def images_table(ids: Sequence[str], sha256: Sequence[str | None]) -> pa.Table:
    known = {
        "image_id": ids,
        "source": ["made"] * len(ids),
        "key": [f"picture {place}" for place in range(len(ids))],
        "sha256": sha256,
        "status": [OK] * len(ids),
    }
    columns = [
        pa.array(known[field.name], field.type) if field.name in known else pa.nulls(len(ids), field.type)
        for field in IMAGES.columns
    ]
    return pa.table(columns, schema=IMAGES.columns)


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


def copies_manifest(folder: Path | str, copy_of: Mapping[str, str]) -> Manifest:
    """A copies manifest: image -> the image that stands for it."""
    columns = [list(copy_of), list(copy_of.values()), ["bytes"] * len(copy_of)]
    arrays = [pa.array(values, pa.string()) for values in columns]
    return committed(folder, COPIES, pa.table(arrays, schema=COPIES.columns))
