"""Unique: check that no image has two rows in a manifest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from manifests.digests import Stated
from manifests.errors import Unbalanced
from manifests.shard import Receipt, read_batches, read_shard
from manifests.storage import Folder


def check_image_ids(folder: Folder, shards: Sequence[Receipt]) -> None:
    """Raise Unbalanced, naming both places, if an image_id occurs twice; takes 64 bytes per image while it checks."""
    ids = [
        np.array(batch.column(0).to_pylist(), dtype="S32")
        for shard in shards
        for batch in read_batches(folder, shard.name, ("image_id",), 65536, Stated(shard.digest))
    ]
    every = np.concatenate(ids) if ids else np.zeros(0, dtype="S32")
    every.sort()
    if len(twice := every[1:][every[1:] == every[:-1]]):
        raise Unbalanced(_named_twice(folder, shards, twice[0].decode()))


def _named_twice(folder: Folder, shards: Sequence[Receipt], image_id: str) -> str:
    places = [
        f"{shard.name} ({key})"
        for shard in shards
        for name, key in zip(*read_shard(folder, shard.name, ["image_id", "key"]).to_pydict().values(), strict=True)
        if name == image_id
    ]
    return (
        f"{folder.url}: two images have one identity, in {' and '.join(places)}; if it is a source of kind "
        "shards whose tars use the same member names, set keys_repeat: true for it, under a new run name"
    )
