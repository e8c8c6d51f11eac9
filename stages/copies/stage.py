"""Copies: images that the search cannot tell apart, represented by the one with the smallest id.

Copies have the same bytes, or bit-identical blind and reference vectors, or are linked by a chain of such images.
Twenty thousand white images would make 2 x 10^8 meaningless candidates; as one image they make none, and this table
says which images it represents. There is one task, and one more each time the run grew (representatives.py). It uses
about 200 bytes of memory per image.
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
from stages.copies.removal import CopiesChange
from stages.copies.representatives import BYTES, VECTORS, Texts, firsts, in_company, standing


class Copies(Stage):
    """The sketches' digests and the images' hashes in, the copies table out."""

    name = "copies"
    on_growth = OnGrowth.EXTENDED
    change = CopiesChange

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def schema(self) -> Schema:
        return COPIES

    def table(self) -> tuple[str, int]:
        return COPIES.name, COPIES.version

    def plan(self, reads: Reads) -> list[Task]:
        """Return one task. `ends`: the number of sketch shards each time the run grew, and now."""
        return [Task("00000", {"ends": [len(reads["sketches"].shards)]})]

    def extended(self, begun: PriorState, reads: Reads) -> list[Task]:
        """Add one task, for the images of the new shards."""
        if not (ends := list(begun.tasks[-1].facts.get("ends", ()))):
            raise Refused("its plan is of a version that could not grow")
        if ends[-1] == len(reads["sketches"].shards):
            return list(begun.tasks)
        return [*begun.tasks, Task(f"{len(ends):05d}", {"ends": [*ends, len(reads["sketches"].shards)]})]

    def expected(self, reads: Reads) -> int:
        return reads["sketches"].counts.ok

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        """Find the copies among the images of the task's own shards, which follow the second-to-last end."""
        whole = [len(reads["sketches"].shards)]  # plans from before runs could grow have no `ends`
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
    """Return ids and digests of the compared images, sorted by id between ends, and their number at each end."""
    found = []
    for start, stop in zip((0, *ends), ends, strict=False):
        ids, digests = _columns(sketches, (start, stop), "image_id", "digest", only_ok=True)
        order = np.argsort(ids)
        found.append((ids[order], digests[order]))
    every, all_digests = (np.concatenate(side) for side in zip(*found, strict=True))
    return every, all_digests, np.cumsum([len(ids) for ids, _ in found]).tolist()


def _hashes(images: Manifest, wanted: Texts) -> Texts:
    """Return the first half of the sha256 of each of the `wanted` ids; empty if there is none."""
    ids, sha256 = _columns(images, (0, len(images.shards)), "image_id", "sha256")
    order, found = np.argsort(wanted), np.zeros(len(wanted), "S32")
    places = np.searchsorted(wanted, ids, sorter=order)
    there = places < len(wanted)
    there[there] = wanted[order[places[there]]] == ids[there]
    found[order[places[there]]] = sha256[there]
    return found


def _columns(manifest: Manifest, shards: tuple[int, int], *names: str, only_ok: bool = False) -> Sequence[Texts]:
    """Read text columns of a range of shards, (first, after the last), as 32 bytes per value; null becomes empty."""
    parts: list[list[Texts]] = [[np.zeros(0, "S32")] for _ in names]
    for shard in manifest.shards[slice(*shards)]:
        for batch in manifest.batches_of(shard.name, ("status", *names), 65536):
            rows = batch.filter(pc.equal(batch.column("status"), OK)) if only_ok else batch
            for part, name in zip(parts, names, strict=True):
                part.append(np.array(pc.fill_null(rows.column(name), "").to_pylist(), dtype="S32"))
    return [np.concatenate(part) for part in parts]
