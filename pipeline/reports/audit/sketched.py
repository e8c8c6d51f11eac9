"""Sketched: whether the vectors that are there are still those that the sketches were made of."""

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
    """Raise Damaged, naming the shard, where vectors are not those of the sketches' digests.

    `lists`: of each row the blind and the reference vector; `digests`: of each row, empty where there is none.
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
    """First 32 hex digits of sha256 of all vectors' numbers in float32; 0.0 is added so that -0.0 is none."""
    numbers = [np.asarray([] if one is None else one, np.float32) + np.float32(0) for one in vectors]
    return hashlib.sha256(b"".join(one.tobytes() for one in numbers)).hexdigest()[:32].encode()


def _numbers(lists: pa.Array) -> np.ndarray:
    return lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), lists.type.list_size)
