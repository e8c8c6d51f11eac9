"""Names: a run's name for programs that accept letters, digits and underscores."""

from __future__ import annotations

import re


def plain_name(name: str) -> str:
    """Return ASCII letters and digits, with an underscore for each stretch of others; `run` if nothing is left."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "run"
