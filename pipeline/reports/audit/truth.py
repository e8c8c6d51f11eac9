"""Truth: every pair of a drawn image and any other image whose blind cosine reaches the floor, in float64.

Plain NumPy over the embeddings: rows at unit length, one matrix product for each batch of images and
each lot of drawn images. Two float64 sums of the same d products differ by up to d 2^-52 (5e-13 at
d = 2048): a second code path cannot decide whether a cosine within BORDER of the floor reaches it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.errors import Damaged, Unbalanced
from manifests.manifest import Manifest
from manifests.shard import SUFFIX
from pipeline.reports.audit.compared import Compared, Ids, Places, places, texts

BORDER = 1e-12
ROWS, LOT = 4096, 1024  # size of one matrix product: 34 MB

Cosines = NDArray[np.float64]
Vectors = NDArray[np.float64]
Columns = tuple[Places, Places, Cosines, Cosines]  # of pairs: two images, both cosines


@dataclass(frozen=True, eq=False)  # eq: holds arrays
class Truth:
    """(p,) pairs by the places of their images, left < right, each once and in that order, with both cosines.

    Pairs on the border are included: `certain` marks those that are not on it.
    """

    left: Places
    right: Places
    blind: Cosines
    reference: Cosines
    floor: float

    @property
    def certain(self) -> NDArray[np.bool_]:
        """Which pairs reach the floor by any code path."""
        return self.blind > self.floor + BORDER


def true_pairs(embeddings: Manifest, roles: tuple[str, str], compared: Compared, floor: float) -> Truth:
    """Return every pair with a drawn image that reaches the floor less BORDER; `roles`: blind and reference encoder.

    Raises Unbalanced where a compared image has no vector, Damaged where its vector has changed.
    """
    asked = _asked(embeddings, roles, compared)
    parts: list[Columns] = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))]
    seen = 0
    for here, vectors in _batches(embeddings, roles, compared):
        seen += len(here)
        for start in range(0, len(compared.drawn), LOT):
            lot = slice(start, start + LOT)
            parts.append(_near(here, vectors, compared.drawn[lot], [side[lot] for side in asked], floor))
    if seen != len(compared.ids):
        raise Unbalanced(f"{embeddings.folder.url}: {len(compared.ids)} images were compared, it has {seen} of them")
    left, right, blind, reference = (np.concatenate(side) for side in zip(*_once(parts, compared), strict=True))
    order = np.lexsort((right, left))
    return Truth(left[order], right[order], blind[order], reference[order], floor)


def _near(here: Places, vectors: Sequence[Vectors], drawn: Places, asked: Sequence[Vectors], floor: float) -> Columns:
    """Compute one product: the places of the other and of the drawn image of each pair, and both cosines."""
    blind = vectors[0] @ asked[0].T
    row, query = np.nonzero(blind >= floor - BORDER)
    if not len(row):
        return row, query, np.zeros(0), np.zeros(0)
    reference = vectors[1] @ asked[1].T
    return here[row], drawn[query], blind[row, query], reference[row, query]


def _once(parts: Sequence[Columns], compared: Compared) -> Iterator[Columns]:
    """Drop pairs of an image with itself, and yield pairs of two drawn images, which come from both sides, once."""
    for other, drawn, blind, reference in parts:
        which = (other > drawn) | ((other != drawn) & ~np.isin(other, compared.drawn))
        left, right = np.minimum(other, drawn), np.maximum(other, drawn)
        yield left[which], right[which], blind[which], reference[which]


def _asked(embeddings: Manifest, roles: tuple[str, str], compared: Compared) -> list[Vectors]:
    """Return the (k, dim) blind and reference vectors of the drawn images, in their order."""
    found, parts = [np.zeros(0, np.int64)], []
    for shard in embeddings.shards:
        here = places(compared.asked, texts(embeddings.read(shard.name, ["image_id"]).column("image_id")))
        if len(rows := np.flatnonzero(here >= 0)):
            table = embeddings.read_rows(shard.name, list(dict.fromkeys(roles)), rows)
            lists = [table.column(role).combine_chunks() for role in roles]
            check_sketched(embeddings, shard.name, lists, compared.digests[compared.drawn[here[rows]]])
            parts.append([_of_unit_length(one, embeddings) for one in lists])
            found.append(here[rows])
    order = np.argsort(np.concatenate(found))
    if len(order) != len(compared.drawn):
        raise Unbalanced(f"{embeddings.folder.url}: {len(compared.drawn)} images were drawn, it has {len(order)}")
    return [np.concatenate(side)[order] for side in zip(*parts, strict=True)]


def _batches(
    embeddings: Manifest, roles: tuple[str, str], compared: Compared
) -> Iterator[tuple[Places, list[Vectors]]]:
    """Yield the compared images of each batch: (m,) places, (m, dim) blind and reference vectors."""
    for shard in embeddings.shards:
        for batch in embeddings.batches_of(shard.name, ["image_id", *dict.fromkeys(roles)], ROWS):
            here = places(compared.ids, texts(batch.column("image_id")))
            if (there := here >= 0).any():
                rows = batch.filter(pa.array(there))
                lists = [rows.column(role) for role in roles]
                check_sketched(embeddings, shard.name, lists, compared.digests[here[there]])
                yield here[there], [_of_unit_length(one, embeddings) for one in lists]


def _of_unit_length(lists: pa.FixedSizeListArray, embeddings: Manifest) -> Vectors:
    if lists.null_count:
        raise Unbalanced(f"{embeddings.folder.url}: {lists.null_count} images were compared but have no vector")
    numbers = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    wide = numbers.reshape(len(lists), lists.type.list_size)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise Unbalanced(f"{embeddings.folder.url}: an image was compared whose vector is zero or not finite")
    wide /= lengths[:, None]
    return wide


def check_sketched(embeddings: Manifest, shard: str, lists: Sequence[pa.Array], digests: Ids) -> None:
    """Raise Damaged, naming the shard, where vectors do not match the sketches' digests.

    `lists`: the blind and the reference vectors of the rows; `digests`: one per row, empty where there is none.
    """
    columns = [one.to_pylist() if one.null_count else _numbers(one) for one in lists]
    for digest, *vectors in zip(digests, *columns, strict=True):
        if digest and digest != _digest(vectors):
            folder = embeddings.folder.url
            raise Damaged(
                f"{folder}/{shard}{SUFFIX} was changed since the sketches were made of it; put the old file back, "
                f"or remove the folder {folder} and those after it to make them again"
            )


def _digest(vectors: Sequence[Sequence[float] | None]) -> bytes:
    """Return the first 32 hex digits of the sha256 of all vectors' float32 numbers; adding 0.0 turns -0.0 into 0.0."""
    numbers = [np.asarray([] if one is None else one, np.float32) + np.float32(0) for one in vectors]
    return hashlib.sha256(b"".join(one.tobytes() for one in numbers)).hexdigest()[:32].encode()


def _numbers(lists: pa.Array) -> np.ndarray:
    return lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), lists.type.list_size)
