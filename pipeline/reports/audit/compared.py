"""Compared: which images the search compares, and a random draw of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.manifest import Manifest
from manifests.tables import OK

Ids = NDArray[np.bytes_]  # image_ids, 32 bytes each
Places = NDArray[np.int64]  # images by their place among all that are compared


@dataclass(frozen=True, eq=False)  # eq: holds arrays
class Compared:
    """(n,) sorted ids of the images the search compares, and the (k,) ascending places of those drawn.

    `digests`: (n,) what the sketches say of each image's vectors, as 32 hex digits; empty where they say nothing.
    """

    ids: Ids
    drawn: Places
    digests: Ids

    @cached_property
    def asked(self) -> Ids:
        """(k,) sorted ids of those drawn."""
        return self.ids[self.drawn]


def compared_ids(sketches: Manifest, copies: Manifest) -> Ids:
    """Sorted ids of the images whose sketch is ok and for which no other image stands."""
    return np.setdiff1d(_column(sketches, only_ok=True), _column(copies, only_ok=False))


def digests_of(sketches: Manifest, ids: Ids) -> Ids:
    """The sketches' digest of each of these images, empty where there is none."""
    found = np.zeros(len(ids), "S32")
    for batch in sketches.batches(("image_id", "digest")):
        here = places(ids, texts(batch.column("image_id")))
        found[here[here >= 0]] = texts(pc.fill_null(batch.column("digest"), ""))[here >= 0]
    return found


def draw(count: int, images: int, seed: int) -> Places:
    """Ascending places of `images` random ones of `count`, or of all where there are no more."""
    return np.sort(np.random.default_rng(seed).choice(count, min(images, count), replace=False))


def places(ids: Ids, wanted: Ids) -> Places:
    """The place of each of `wanted` among the sorted `ids`; -1 where it is none of them."""
    found = np.searchsorted(ids, wanted)
    there = found < len(ids)
    there[there] = ids[found[there]] == wanted[there]
    return np.where(there, found, -1)


def texts(column: pa.Array) -> Ids:
    """A column of image_ids, or of digests, as NumPy has them."""
    return np.array(column.to_pylist(), dtype="S32")


def _column(manifest: Manifest, *, only_ok: bool) -> Ids:
    parts = [np.zeros(0, "S32")]
    for batch in manifest.batches(("image_id", "status") if only_ok else ("image_id",)):
        rows = batch.filter(pc.equal(batch.column("status"), OK)) if only_ok else batch
        parts.append(texts(rows.column("image_id")))
    return np.concatenate(parts)
