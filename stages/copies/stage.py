"""Copies: images that the search cannot tell apart, one of which, the smallest by id, stands for all.

Copies have the same bytes, or the same blind and the same reference vector to the last bit, or are
joined by a chain of such. Twenty thousand white pictures would make 2 x 10^8 candidates that say
nothing; as one image they make none, and this table says which it stands for. One task: it holds some 200 bytes an
image while it looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import COPIES, OK
from stages.base import Reads, Stage, Task
from stages.classes import Classes, joined_classes

Texts = NDArray[np.bytes_]
BYTES, VECTORS = "bytes", "vectors"


class Copies(Stage):
    """The sketches' digests and the images' hashes in, the copies table out."""

    name = "copies"

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def schema(self) -> Schema:
        return COPIES

    def table(self) -> tuple[str, int]:
        return COPIES.name, COPIES.version

    def plan(self, reads: Reads) -> list[Task]:
        return [Task("all")]

    def expected(self, reads: Reads) -> int:
        return reads["sketches"].counts.ok

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        ids, digests = _ok_digests(reads["sketches"])
        by_bytes = firsts(_hashes(reads["images"], ids))
        standing = _joined(by_bytes, firsts(digests))
        copies = np.flatnonzero(standing != np.arange(len(ids)))
        same = np.where(_in_company(by_bytes)[copies], BYTES, VECTORS)
        columns = [pa.array(values.astype(str), pa.string()) for values in (ids[copies], ids[standing[copies]], same)]
        tally = Counter(f"same_{reason}" for reason in same.tolist())
        counts = Counts(len(ids), len(ids) - len(copies), dict(sorted(tally.items())))
        yield Part(pa.table(columns, schema=COPIES.columns), counts)


def firsts(texts: Texts) -> Classes:
    """For each text the place of the first that equals it; an empty one equals no other."""
    _, first, inverse = np.unique(texts, return_index=True, return_inverse=True)
    return np.where(texts == b"", np.arange(len(texts)), first[inverse])


def _joined(*classes: Classes) -> Classes:
    places = np.arange(len(classes[0]))
    return joined_classes(len(places), np.concatenate([places] * len(classes)), np.concatenate(classes))


def _in_company(classes: Classes) -> NDArray[np.bool_]:
    """Which images have another in their class."""
    return np.bincount(classes, minlength=len(classes))[classes] > 1 if len(classes) else np.zeros(0, bool)


def _ok_digests(sketches: Manifest) -> tuple[Texts, Texts]:
    """Sorted ids of the images that are compared, and their digests."""
    ids, digests = _columns(sketches, "image_id", "digest", only_ok=True)
    order = np.argsort(ids)
    return ids[order], digests[order]


def _hashes(images: Manifest, wanted: Texts) -> Texts:
    """The first half of the sha256 of each of the sorted `wanted` ids; empty where there is none."""
    ids, sha256 = _columns(images, "image_id", "sha256")
    found = np.zeros(len(wanted), "S32")
    places = np.searchsorted(wanted, ids)
    there = places < len(wanted)
    there[there] = wanted[places[there]] == ids[there]
    found[places[there]] = sha256[there]
    return found


def _columns(manifest: Manifest, *names: str, only_ok: bool = False) -> Sequence[Texts]:
    """Columns of texts as 32 bytes each; null is empty."""
    parts: list[list[Texts]] = [[np.zeros(0, "S32")] for _ in names]
    for batch in manifest.batches(("status", *names)):
        rows = batch.filter(pc.equal(batch.column("status"), OK)) if only_ok else batch
        for part, name in zip(parts, names, strict=True):
            part.append(np.array(pc.fill_null(rows.column(name), "").to_pylist(), dtype="S32"))
    return [np.concatenate(part) for part in parts]
