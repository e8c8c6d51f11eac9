"""Sketched: whether the stored vectors are still those the sketches were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from manifests.errors import Damaged
from manifests.manifest import Manifest
from manifests.shard import SUFFIX
from pipeline.reports.audit.compared import Ids


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
