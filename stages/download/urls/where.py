"""Where: which rows of a table are fetched, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stages.download.settings import WhereSettings


@dataclass(frozen=True)
class Bound:
    """One filter: its setting, the column it checks, and the limit that the column must meet."""

    setting: str
    column: str
    limit: Any

    def passes(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return whether each value passes; null does not."""
        if self.setting == "languages":
            return pc.is_in(values, pa.array(self.limit, pa.string()))
        compare = pc.greater_equal if self.setting.endswith("_min") else pc.less_equal
        return pc.fill_null(compare(values, self.limit), False)

    def sentence(self, row: Mapping[str, Any]) -> str:
        return f"{self.column} is {row.get(self.column)}, where.{self.setting} is {_shown(self.limit)}"


def bounds(where: WhereSettings) -> tuple[Bound, ...]:
    """Return the filters that are set, in the order of the settings."""
    asked = [(name, value) for name, value in where if value is not None]
    columns = {"languages": "language"}
    return tuple(Bound(name, columns.get(name, name.rpartition("_")[0]), value) for name, value in asked)


def first_missed(rows: pa.Table, asked: Sequence[Bound]) -> NDArray[np.int64]:
    """Return (n,) the index of the first filter that each row does not pass; -1 if it passes all."""
    missed = np.full(rows.num_rows, -1)
    for place in reversed(range(len(asked))):
        bound = asked[place]
        passes = bound.passes(rows.column(bound.column)).to_numpy(zero_copy_only=False)
        missed[~passes.astype(bool)] = place
    return missed


def _shown(limit: Any) -> str:
    return ", ".join(limit) if isinstance(limit, (tuple, list)) else f"{limit:g}"
