"""Seconds against N, a line a way, with the exponent of the power law that fits it."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def exponents(results: list[dict]) -> dict[str, float]:
    """Way -> e of seconds ~ N^e, for ways measured at two sizes or more."""
    found = {}
    for way in dict.fromkeys(one["way"] for one in results):
        points = np.array([(one["rows"], one["seconds"]) for one in results if one["way"] == way])
        if len(points) > 1:
            found[way] = float(np.polyfit(np.log(points[:, 0]), np.log(points[:, 1]), 1)[0])
    return found


def plot(results: list[dict], path: Path) -> str:
    """Draw the picture; says what was fitted."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    fitted = exponents(results)
    figure, axes = pyplot.subplots(figsize=(7.5, 5), layout="constrained")
    for way, exponent in fitted.items():
        points = sorted((one["rows"], one["seconds"]) for one in results if one["way"] == way)
        axes.loglog(*zip(*points, strict=True), marker="o", label=f"{way} (N^{exponent:.2f})")
    axes.set(xlabel="vectors of 768 numbers", ylabel="seconds, two threads", title="All pairs at cosine >= 0.95")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    told = ", ".join(f"{way} N^{exponent:.2f}" for way, exponent in fitted.items())
    return f"fitted: {told}; {path}"
