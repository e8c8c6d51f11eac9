"""Named: what a person wants forgotten, and which images of a run that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute as pc

from manifests.errors import Refused
from manifests.removal import Held, batches
from pipeline.removal.rows import texts
from stages.download.opt_out import IMAGE_ID, SHA256, URL, OptOut, entries

COLUMNS = ("image_id", "source", "key", "url", "uri", "offset", "length", "sha256")
NAMING = {"url": "urls", "sha256": "sha256", "image_id": "image_ids"}  # column -> what names by it


@dataclass(frozen=True)
class Found:
    """The rows of `images` that are named, and of each name how many they are."""

    rows: tuple[Mapping[str, Any], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)  # as named, in lower case where it is hex


def asked_for(named: Sequence[str], listed: str | None) -> OptOut:
    """All that is named, on the command line and in a file. Raises Refused for what names no image."""
    known = entries(listed, with_image_ids=True) if listed else OptOut()
    more: dict[str, set[str]] = {kind: set(getattr(known, kind)) for kind in NAMING.values()}
    for one in named:
        kind, value = _kind_of(one)
        more[kind].add(value)
    return OptOut(**{kind: frozenset(values) for kind, values in more.items()})


def _kind_of(named: str) -> tuple[str, str]:
    low = named.strip().lower()
    for kind, form in (("sha256", SHA256), ("image_ids", IMAGE_ID)):
        if form.fullmatch(low):
            return kind, low
    if URL.fullmatch(named.strip()):
        return "urls", named.strip()
    raise Refused(
        f"{named[:80]!r} names no image: write its URL (http or https), its sha256 (64 hex digits) or its image_id (32)"
    )


def find(images: Held | None, names: OptOut) -> Found:
    """Which rows of a run's images are named."""
    wanted = {column: frozenset(getattr(names, kind)) for column, kind in NAMING.items()}
    lists = {column: texts(sorted(values)) for column, values in wanted.items()}
    rows: list[Mapping[str, Any]] = []
    counts = Counter({name: 0 for values in wanted.values() for name in values})
    for shard in images.shards() if images else ():
        for batch in batches(images.folder, shard, COLUMNS) if images else ():
            by_url, by_hash, by_id = (pc.is_in(batch.column(name), value_set=lists[name]) for name in NAMING)
            rows += batch.filter(pc.or_(pc.or_(by_url, by_hash), by_id)).to_pylist()
    for row in rows:
        counts.update(row[column] for column in NAMING if row[column] in wanted[column])
    return Found(tuple(rows), dict(counts))
