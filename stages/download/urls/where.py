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
    """One filter: its setting, the column it looks at, and what that must be."""

    setting: str
    column: str
    limit: Any

    def passes(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """Whether each value passes; null does not."""
        if self.setting == "languages":
            return pc.is_in(values, pa.array(self.limit, pa.string()))
        compare = pc.greater_equal if self.setting.endswith("_min") else pc.less_equal
        return pc.fill_null(compare(values, self.limit), False)

    def sentence(self, row: Mapping[str, Any]) -> str:
        return f"{self.column} is {row.get(self.column)}, where.{self.setting} is {_shown(self.limit)}"


def bounds(where: WhereSettings) -> tuple[Bound, ...]:
    """The filters that are set, in the order of the settings."""
    asked = [(name, value) for name, value in where if value is not None]
    columns = {"languages": "language"}
    return tuple(Bound(name, columns.get(name, name.rpartition("_")[0]), value) for name, value in asked)


def first_missed(rows: pa.Table, asked: Sequence[Bound]) -> NDArray[np.int64]:
    """(n,) for each row the place of the first of the filters that it does not pass; -1 where it passes all."""
    missed = np.full(rows.num_rows, -1)
    for place in reversed(range(len(asked))):
        bound = asked[place]
        passes = bound.passes(rows.column(bound.column)).to_numpy(zero_copy_only=False)
        missed[~passes.astype(bool)] = place
    return missed


def _shown(limit: Any) -> str:
    return ", ".join(limit) if isinstance(limit, (tuple, list)) else f"{limit:g}"
