"""Damaged shards: find every shard of a commit that is gone or does not hold what was written, and say why."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from manifests.digests import Stated
from manifests.errors import Damaged
from manifests.manifest import Manifest
from manifests.shard import SUFFIX, Receipt, read_batches, read_names
from manifests.storage import Folder

READERS = 8  # shards read at once
ROWS = 1024  # rows in memory for each of them


@dataclass(frozen=True)
class DamagedShard:
    """A shard that is not as its commit states; `why` follows its name: "is gone", "has 9 bytes instead of 12"."""

    name: str
    why: str


def damaged_by_size(manifest: Manifest) -> list[DamagedShard]:
    """Return the shards that are gone or have another size, in order; one listing, and no shard is opened."""
    sizes = manifest.folder.sizes()
    there = [(shard, sizes.get(shard.name + SUFFIX)) for shard in manifest.shards]
    return [DamagedShard(shard.name, _size_text(shard, size)) for shard, size in there if size != shard.bytes]


def damaged_shards(manifest: Manifest) -> list[DamagedShard]:
    """Return the shards that are not as committed, in order: by size, by footer, and by reading every row."""
    odd = {one.name: one for one in damaged_by_size(manifest)}
    whole = [shard for shard in manifest.shards if shard.name not in odd]
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda shard: why_damaged(manifest.folder, shard), whole)
        odd |= {shard.name: DamagedShard(shard.name, why) for shard, why in zip(whole, found, strict=True) if why}
    return [odd[shard.name] for shard in manifest.shards if shard.name in odd]


def why_damaged(folder: Folder, shard: Receipt) -> str:
    """Read every row of a shard and compare it with its receipt; return why it differs, "" if it does not.

    A shard of a version that wrote no digests is only compared with the checksums of its pages. A changed bit that is
    part of no value, such as one in a page header's statistics, is not noticed.
    """
    try:
        names = read_names(folder, shard.name, Stated(shard.digest))
        for _ in read_batches(folder, shard.name, names, ROWS, Stated(shard.digest)):
            pass
    except Damaged as error:
        return "does not read as it was written: " + " ".join(str(error.__cause__).split())
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        if error.errno != errno.EIO:  # that one is the disk's own word for damage
            raise
        return "cannot be read from the disk"
    return ""


def _size_text(shard: Receipt, size: int | None) -> str:
    return "is gone" if size is None else f"has {size:,} bytes instead of {shard.bytes:,}"
