"""Identity: which blindpairs this process runs, so that a driver and its workers are one and the same.

A version alone does not tell two commits apart, and an installed wheel has no commit: so the code
itself is hashed.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("manifests", "stages", "pipeline")


@cache
def identity() -> str:
    """Version and a hash of the code as it lies here: "0.1.0 (code 1f2e3d4c5b6a)"."""
    root = Path(__file__).resolve().parents[2]
    hasher = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            hasher.update(f"{path.relative_to(root).as_posix()}\0".encode())
            hasher.update(path.read_bytes())
    try:
        number = version("blindpairs")
    except PackageNotFoundError:  # run from a checkout that is not installed
        number = "not installed"
    return f"{number} (code {hasher.hexdigest()[:12]})"
