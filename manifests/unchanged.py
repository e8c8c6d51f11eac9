"""Unchanged: check whether shards are still those of a commit, as far as their sizes and footers show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO

import pyarrow as pa

from manifests.damage import REPAIR
from manifests.errors import Refused
from manifests.footer import digest_of, read_footer
from manifests.shard import SUFFIX, Receipt, changed
from manifests.storage import Folder

REMEDY = f"put the old file back, or {REPAIR} to make it again"
READERS = 8  # footers read at once from a bucket, where each is a request


def check_unchanged(folder: Folder, shards: Sequence[Receipt]) -> None:
    """Raise Refused, naming the first shard that does not have the size or the footer that its receipt states.

    Reads the last kilobytes of each shard. Rewriting a shard changes its footer, unless the new footer is a
    copy of the old one; then readers of the rows detect it (digests.py).
    """
    if odd := changed(folder, shards):
        raise Refused(f"{odd} after its commit; {REMEDY}")
    known = [shard for shard in shards if shard.digest]
    for shard, digest in zip(known, _digests(folder, [shard.name + SUFFIX for shard in known]), strict=True):
        if digest != shard.digest:
            raise Refused(f"{folder.url}/{shard.name}{SUFFIX} was changed after its commit; {REMEDY}")


def _digests(folder: Folder, names: Sequence[str]) -> Iterator[str]:
    """Yield the digest of each file's footer; empty if there is no footer."""
    if (local := folder.local) is not None:
        for name in names:  # thousands, in a run that has nothing to do
            with open(f"{local}/{name}", "rb", buffering=0) as file:
                yield _digest(file)
        return

    def digest(name: str) -> str:
        with folder.open(name) as file:
            return _digest(file)

    with ThreadPoolExecutor(READERS) as readers:
        yield from readers.map(digest, names)


def _digest(file: IO[bytes]) -> str:
    with suppress(pa.ArrowInvalid):
        return digest_of(read_footer(file).raw)
    return ""
