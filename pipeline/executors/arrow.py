"""Arrow: keep pyarrow from importing pandas with its first array, which costs every process half a second."""

from __future__ import annotations

import sys

import pyarrow as pa


class _Hidden:
    """An import finder that hides pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("it is hidden for a moment", name=name)


def leave_pandas_out() -> None:
    """Make pyarrow look for pandas while it is hidden. It looks again when asked for a data frame."""
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _Hidden)  # type: ignore[arg-type]
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(_Hidden)  # type: ignore[arg-type]
