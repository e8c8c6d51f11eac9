"""Named: what a person wants forgotten, and which images of a run match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from manifests.errors import Refused
from manifests.removal import Held, batches
from manifests.storage import Folder
from manifests.stores.places import absolute
from manifests.tables import image_id
from stages.download.fetch.opt_out import IMAGE_ID, SHA256, URL, OptOut, entries
from stages.download.fetch.targets import url_key
from stages.download.urls.fetched_table import urls_of
from stages.download.urls.output_folder import tables_of_all

COLUMNS = ("image_id", "source", "key", "url", "uri", "offset", "length", "sha256")
NAMING = {"url": "urls", "sha256": "sha256", "image_id": "image_ids"}  # column -> kind of name


@dataclass(frozen=True)
class Found:
    """The rows of `images` that are named, and the number of rows per name."""

    rows: tuple[Mapping[str, Any], ...] = ()
    counts: Mapping[str, int] = field(
        default_factory=dict
    )  # name -> rows; hex in lower case, URLs as their keys (targets.url_key)


def asked_for(named: Sequence[str], listed: str | None) -> OptOut:
    """Collect all names given on the command line and in a file. Raises Refused for a name of no valid form."""
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
        return "urls", url_key(named)
    raise Refused(
        f"{named[:80]!r} names no image: write its URL (http or https), its sha256 (64 hex digits; of a file: "
        "`sha256sum FILE`) or its image_id (32; `blindpairs show RUN images` lists them)"
    )


def find(images: Held | None, names: OptOut, served: Mapping[str, str]) -> Found:
    """Find the named rows of a run's images. `served`: image_id -> sha256 as served, of images named by that hash."""
    wanted = {column: frozenset(getattr(names, kind)) for column, kind in NAMING.items()}
    lists = {column: pa.array(sorted(values), pa.string()) for column, values in wanted.items()}
    lists["image_id"] = pa.array(sorted({*wanted["image_id"], *served}), pa.string())
    rows: list[Mapping[str, Any]] = []
    counts = Counter({name: 0 for values in wanted.values() for name in values})
    for shard in images.shards() if images else ():
        for batch in batches(images.folder, shard, COLUMNS) if images else ():
            by_hash, by_id = (pc.is_in(batch.column(name), value_set=lists[name]) for name in ("sha256", "image_id"))
            by_url = _by_url(batch.column("url"), wanted["url"])
            rows += batch.filter(pc.or_(pc.or_(by_url, by_hash), by_id)).to_pylist()
    for row in rows:
        by = {"url": url_key(row["url"] or ""), "sha256": row["sha256"], "image_id": row["image_id"]}
        counts.update(by[column] for column in NAMING if by[column] in wanted[column])
        counts.update({served[row["image_id"]]} - {row["sha256"]} if row["image_id"] in served else ())
    return Found(tuple(rows), dict(counts))


def named_as_served(sources: Mapping[str, Mapping[str, Any]], hashes: Collection[str]) -> dict[str, str]:
    """Return image_id -> hash of images that `urls` sources fetched with one of these sha256, before resizing."""
    found: dict[str, str] = {}
    for name, one in sources.items() if hashes else ():
        if one["kind"] == "urls":
            into = Folder(absolute(one["into"]))
            for table in tables_of_all(into, name):
                with suppress(Refused):  # a damaged table names no image
                    found |= {image_id(name, url): digest for url, digest in urls_of(into, [table], hashes)}
    return found


def _by_url(urls: pa.Array, wanted: Collection[str]) -> pa.Array:
    """Return which of these URLs are wanted, whatever their spelling."""
    return pa.array([bool(wanted and url) and url_key(url) in wanted for url in urls.to_pylist()], pa.bool_())
