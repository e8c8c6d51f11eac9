"""Copies: images that the search cannot tell apart, one of which, the smallest by id, stands for all.

Copies have the same bytes, or the same blind and the same reference vector to the last bit, or are
joined by a chain of such. Twenty thousand white pictures would make 2 x 10^8 candidates that say
nothing; as one image they make none, and this table says which it stands for. One task, and one more each
time the run grew (representatives.py): it holds some 200 bytes an image while it looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import COPIES, OK
from stages.base import OnGrowth, PriorState, Reads, Stage, Task
from stages.copies.representatives import Texts, firsts, in_company, standing

BYTES, VECTORS = "bytes", "vectors"


class Copies(Stage):
    """The sketches' digests and the images' hashes in, the copies table out."""

    name = "copies"
    on_growth = OnGrowth.EXTENDED

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def schema(self) -> Schema:
        return COPIES

    def table(self) -> tuple[str, int]:
        return COPIES.name, COPIES.version

    def plan(self, reads: Reads) -> list[Task]:
        """One task. `ends`: how many shards of the sketches there were, each time the run grew, and now."""
        return [Task("00000", {"ends": [len(reads["sketches"].shards)]})]

    def extended(self, begun: PriorState, reads: Reads) -> list[Task]:
        """One more task, for the images of the new shards."""
        if not (ends := list(begun.tasks[-1].facts.get("ends", ()))):
            raise Refused("its plan is of a version that could not grow")
        if ends[-1] == len(reads["sketches"].shards):
            return list(begun.tasks)
        return [*begun.tasks, Task(f"{len(ends):05d}", {"ends": [*ends, len(reads["sketches"].shards)]})]

    def expected(self, reads: Reads) -> int:
        return reads["sketches"].counts.ok

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        """The copies among the images of the task's own shards, those after the last end but one."""
        whole = [len(reads["sketches"].shards)]  # what a plan from before runs could grow does not say
        ids, digests, ends = _ok_digests(reads["sketches"], task.facts.get("ends", whole))
        by_bytes = firsts(_hashes(reads["images"], ids))
        stands = standing(by_bytes, firsts(digests), ends)
        own = np.arange(ends[-2] if len(ends) > 1 else 0, len(ids))
        copies = own[stands[own] != own]
        same = np.where(in_company(by_bytes)[copies], BYTES, VECTORS)
        columns = [pa.array(values.astype(str), pa.string()) for values in (ids[copies], ids[stands[copies]], same)]
        tally = Counter(f"same_{reason}" for reason in same.tolist())
        counts = Counts(len(own), len(own) - len(copies), dict(sorted(tally.items())))
        yield Part(pa.table(columns, schema=COPIES.columns), counts)


def _ok_digests(sketches: Manifest, ends: Sequence[int]) -> tuple[Texts, Texts, list[int]]:
    """Ids and digests of the images that are compared, and how many there are at each end; by id between ends."""
    found = []
    for start, stop in zip((0, *ends), ends, strict=False):
        ids, digests = _columns(sketches, (start, stop), "image_id", "digest", only_ok=True)
        order = np.argsort(ids)
        found.append((ids[order], digests[order]))
    every, all_digests = (np.concatenate(side) for side in zip(*found, strict=True))
    return every, all_digests, np.cumsum([len(ids) for ids, _ in found]).tolist()


def _hashes(images: Manifest, wanted: Texts) -> Texts:
    """The first half of the sha256 of each of the `wanted` ids; empty where there is none."""
    ids, sha256 = _columns(images, (0, len(images.shards)), "image_id", "sha256")
    order, found = np.argsort(wanted), np.zeros(len(wanted), "S32")
    places = np.searchsorted(wanted, ids, sorter=order)
    there = places < len(wanted)
    there[there] = wanted[order[places[there]]] == ids[there]
    found[order[places[there]]] = sha256[there]
    return found


def _columns(manifest: Manifest, shards: tuple[int, int], *names: str, only_ok: bool = False) -> Sequence[Texts]:
    """Columns of texts of some shards, (first, after the last), as 32 bytes each; null is empty."""
    parts: list[list[Texts]] = [[np.zeros(0, "S32")] for _ in names]
    for shard in manifest.shards[slice(*shards)]:
        for batch in manifest.batches_of(shard.name, ("status", *names), 65536):
            rows = batch.filter(pc.equal(batch.column("status"), OK)) if only_ok else batch
            for part, name in zip(parts, names, strict=True):
                part.append(np.array(pc.fill_null(rows.column(name), "").to_pylist(), dtype="S32"))
    return [np.concatenate(part) for part in parts]
