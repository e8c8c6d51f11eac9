"""Reading: whole tables of a run, for people who analyse them. The pipeline itself reads in batches."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.dataset import Dataset, dataset

from manifests.errors import Refused
from manifests.manifest import Manifest
from manifests.shard import SUFFIX
from manifests.stores.places import place

KEPT = (b"table", b"version")  # of a shard's metadata: its counts and digests are not those of the whole table


def table_of(manifest: Manifest, columns: Sequence[str] | None = None) -> pa.Table:
    """Read all rows of a manifest, in order; `columns` None means all. Raises Refused for an unknown column, Damaged.

    A manifest of no shards gives a table of no columns.
    """
    for name in columns or ():
        if name not in manifest.columns:
            near = get_close_matches(name, manifest.columns, n=1)
            hint = f"did you mean {near[0]}?" if near else f"columns are: {', '.join(manifest.columns)}"
            raise Refused(f"{manifest.folder.url} has no column {name!r}; {hint}")
    parts = [manifest.read(shard.name, columns) for shard in manifest.shards]
    whole = pa.concat_tables(parts) if parts else pa.table({})
    stated = whole.schema.metadata or {}
    return whole.replace_schema_metadata({key: stated[key] for key in KEPT if key in stated})


def pairs_of(pairs: Manifest, columns: Sequence[str] | None = None, *, left_out: bool = False) -> pa.Table:
    """Read the pairs that have a rank, the best first; with `left_out`, then those without. Raises as `table_of`."""
    wanted = columns and [*columns, *(["rank"] if "rank" not in columns else [])]
    rows = table_of(pairs, wanted)
    chosen = rows if left_out else rows.filter(pc.is_valid(rows.column("rank")))
    ordered = chosen.sort_by("rank")  # nulls last
    return ordered.select(list(columns)) if columns else ordered


def dataset_of(manifest: Manifest) -> Dataset:
    """Return the manifest's shards as a dataset; opens only the first. Its rows are not compared with any digests."""
    files = [place((manifest.folder / f"{shard.name}{SUFFIX}").url)[1] for shard in manifest.shards]
    return dataset(files, filesystem=place(manifest.folder.url)[0], format="parquet")
