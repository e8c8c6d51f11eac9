"""Earlier tables: as earlier versions wrote them, and what their columns are called now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import pyarrow as pa

from manifests.schema import Schema, column
from manifests.tables import IMAGES

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)

# version 2 as it was: a run that was begun with it keeps it
_LICENCE = column("licence", pa.string(), "licence, if the source or the recipe says")
IMAGES_2 = Schema(
    "images", 2, IMAGES.key, pa.schema([_LICENCE if one.name == "license" else one for one in IMAGES.columns])
)
# a table and its version, as lineages have them -> column -> what it was called then
EARLIER_NAMES = {"images 2": {"license": "licence"}}
# likewise -> columns that it did not have yet
LATER_COLUMNS = {"questions 1": ("blind_cosine", "reference_cosine", "thresholds")}


def stored_names(table: str, columns: Sequence[str]) -> list[str]:
    """Return what shards of this table and version, such as "images 2", call these columns."""
    then = EARLIER_NAMES.get(table, {})
    return [then.get(name, name) for name in columns]


def current_names(table: str, stored: Sequence[str]) -> list[str]:
    """Return what columns of such shards are called now."""
    now = {then: name for name, then in EARLIER_NAMES.get(table, {}).items()}
    return [now.get(name, name) for name in stored]


def named_as_now(table: str, rows: Rows) -> Rows:
    """Return rows of such a shard with the columns' current names."""
    names = current_names(table, rows.schema.names)
    if names == rows.schema.names:
        return rows
    return rows.rename_columns(names).replace_schema_metadata(rows.schema.metadata)
