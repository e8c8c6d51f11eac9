"""Complete: whether a checkpoint has every weight that its configuration describes."""

from __future__ import annotations

from collections.abc import Collection


def check_complete(missing: Collection[str]) -> None:
    """Raise ValueError for weights the checkpoint lacks: the library initializes them randomly and only warns."""
    if missing:
        raise ValueError(
            f"its weights do not fit its configuration; {len(missing)} are missing, such as {min(missing)}"
        )
