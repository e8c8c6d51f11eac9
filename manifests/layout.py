"""Layout: how a table is stored in a Parquet file, compressed or plain."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from manifests.schema import Schema


def holds_vectors(schema: Schema) -> bool:
    """Return whether this table's rows are long because they hold entire vectors."""
    return any(pa.types.is_fixed_size_list(field.type) for field in schema.columns)


def layout(schema: Schema) -> dict[str, Any]:
    """Return the Parquet writer's options: zstd for what compresses; vectors are stored plain, because they do not."""
    vectors = _vectors(schema)
    words = [f.name for f in schema.columns if pa.types.is_string(f.type) and f.name not in schema.key]
    leaves = [f"{f.name}.list.element" if f.name in vectors else f.name for f in schema.columns]
    return {
        "compression": {leaf: "none" if leaf.endswith(".list.element") else "zstd" for leaf in leaves},
        "use_dictionary": words,
        "write_page_checksum": True,
    }


def _vectors(schema: Schema) -> list[str]:
    return [f.name for f in schema.columns if pa.types.is_fixed_size_list(f.type) or pa.types.is_list(f.type)]
