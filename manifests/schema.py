"""Schema: the named, versioned shape of a row, with one sentence for every column."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SENTENCE = b"sentence"


def column(name: str, kind: pa.DataType, sentence: str, *, nullable: bool = True) -> pa.Field:
    """Return a column that explains itself: the sentence is stored in the Parquet file's field metadata."""
    return pa.field(name, kind, nullable=nullable, metadata={SENTENCE: sentence.encode()})


@dataclass(frozen=True)
class Schema:
    """The shape of one table.

    `version` is raised whenever the meaning of a column changes; a manifest made under another
    version is refused rather than misread. `key` names the columns that identify a row.
    """

    name: str
    version: int
    key: tuple[str, ...]
    columns: pa.Schema

    def stamped(self) -> pa.Schema:
        """Return the Arrow schema with this table's name and version in its metadata."""
        return self.columns.with_metadata({b"table": self.name.encode(), b"version": str(self.version).encode()})

    def conform(self, table: pa.Table) -> pa.Table:
        """Return `table` with exactly this schema's columns, order and types.

        Raises ValueError (a programmer's error) for a missing or surplus column, a value that does not
        fit the type (a float with more digits is rounded, as Arrow casts it), or a null where none is allowed.
        """
        if sorted(table.column_names) != sorted(self.columns.names):
            raise ValueError(f"{self.name}: columns {table.column_names}, expected {self.columns.names}")
        for field in self.columns:
            if not field.nullable and table.column(field.name).null_count:
                raise ValueError(f"{self.name}.{field.name}: null in a column that must not have one")
        return table.select(self.columns.names).cast(self.stamped())

    def sentences(self) -> list[tuple[str, str, str]]:
        """Return (column, type, sentence) of every column, for the README's tables."""
        return [(f.name, str(f.type), (f.metadata or {})[SENTENCE].decode()) for f in self.columns]
