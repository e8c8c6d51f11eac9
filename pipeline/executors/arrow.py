"""pyarrow loads pandas with the first array it makes: half a second of every process, for what none here needs."""

from __future__ import annotations

import sys

import pyarrow as pa


class _Hidden:
    """An importer by which there is no pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("it is hidden for a moment", name=name)


def leave_pandas_out() -> None:
    """Let pyarrow look for pandas while there is none. It looks again when it is asked for a data frame."""
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _Hidden)  # type: ignore[arg-type]
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(_Hidden)  # type: ignore[arg-type]
