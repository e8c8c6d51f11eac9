"""Libraries: which versions of them make a step's rows."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

# recorded with each commit, not compared: rows do not change with them, digits beyond float32's may
LIBRARIES = (
    *("blindpairs", "numpy", "pillow", "pillow-heif", "pyarrow", "torch", "torchvision"),
    *("open_clip_torch", "transformers", "timm", "faiss-gpu", "faiss-cpu"),
)


@cache
def versions() -> dict[str, str]:
    """Return library -> installed version, for those that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
