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
Places = NDArray[np.int64]  # images by their place among all compared images


@dataclass(frozen=True, eq=False)  # eq: holds arrays
class Compared:
    """(n,) sorted ids of the images the search compares, and the (k,) ascending places of the drawn images.

    `digests`: (n,) digest the sketches hold of each image's vectors, as 32 hex digits; empty where they hold none.
    """

    ids: Ids
    drawn: Places
    digests: Ids

    @cached_property
    def asked(self) -> Ids:
        """(k,) sorted ids of the drawn images."""
        return self.ids[self.drawn]


def compared_ids(sketches: Manifest, copies: Manifest) -> Ids:
    """Return the sorted ids of the images whose sketch is ok and that are not represented by another image."""
    return np.setdiff1d(_column(sketches, only_ok=True), _column(copies, only_ok=False))


def digests_of(sketches: Manifest, ids: Ids) -> Ids:
    """Return the sketches' digest of each of these images, empty where there is none."""
    found = np.zeros(len(ids), "S32")
    for batch in sketches.batches(("image_id", "digest")):
        here = places(ids, texts(batch.column("image_id")))
        found[here[here >= 0]] = texts(pc.fill_null(batch.column("digest"), ""))[here >= 0]
    return found


def draw(count: int, images: int, seed: int) -> Places:
    """Return the ascending places of `images` random images of `count`, or of all if there are no more than that."""
    return np.sort(np.random.default_rng(seed).choice(count, min(images, count), replace=False))


def places(ids: Ids, wanted: Ids) -> Places:
    """Return the place of each of `wanted` among the sorted `ids`; -1 where it is not among them."""
    found = np.searchsorted(ids, wanted)
    there = found < len(ids)
    there[there] = ids[found[there]] == wanted[there]
    return np.where(there, found, -1)


def texts(column: pa.Array) -> Ids:
    """Return a column of image_ids, or of digests, as a NumPy array."""
    return np.array(column.to_pylist(), dtype="S32")


def _column(manifest: Manifest, *, only_ok: bool) -> Ids:
    parts = [np.zeros(0, "S32")]
    for batch in manifest.batches(("image_id", "status") if only_ok else ("image_id",)):
        rows = batch.filter(pc.equal(batch.column("status"), OK)) if only_ok else batch
        parts.append(texts(rows.column("image_id")))
    return np.concatenate(parts)
