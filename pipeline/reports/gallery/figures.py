"""Figures: the two cosine distributions and the heat map of thresholds, as SVG to embed in a page.

Drawn by matplotlib (loaded only here, only when drawing) without its global state. One drawing
serves light and dark themes (see `colors`), text remains text. The same input gives the same bytes.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.reports.gallery.colors import (
    BLIND,
    DEEP_FROM,
    FAINT,
    GROUND,
    HEAT,
    INK,
    ON_DEEP,
    ON_PALE,
    RANDOM,
    REFERENCE,
    themed,
)
from pipeline.reports.gallery.facts import Cosines
from pipeline.reports.gallery.thresholds import Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT_MARGIN, BOTTOM_MARGIN = 0.85, 0.6  # of the heat map, in inches
EDGE = 0.02  # of a histogram's width that a label leaves free on both sides

# Rounded edges: a threshold such as 0.95 must be an edge, or a bar would extend to both sides of it.
BINS = np.round(np.linspace(-1.0, 1.0, 201), 9)


def distribution(candidates: Cosines, random: Cosines, *, threshold: float, near: bool, label: str, name: str) -> str:
    """Draw a histogram of one encoder's cosines; the side where pairs are (`near`: above) is tinted."""
    color = BLIND if near else REFERENCE
    with figure(5.2, 2.4) as drawing:
        axes = drawing.add_axes((0.06, 0.17, 0.88, 0.70))
        left = leftmost(candidates, random, threshold)
        axes.axvspan(*((threshold, 1.0) if near else (left, threshold)), color=color, alpha=0.09, linewidth=0)
        outline(axes, random, RANDOM, left)
        outline(axes, candidates, color, left)
        axes.axvline(threshold, color=color, linewidth=1.6)
        axes.set_xlim(left, 1.0)
        axes.set_ylim(0, 1.08)
        plain(axes)
        write_beside(axes, threshold, label, color, before=near)
        return svg(drawing, name=name)


def write_beside(axes: "Axes", at: float, label: str, color: str, *, before: bool) -> None:
    """Write a label above the axes, just left of `at` (`before`) or right of it, whichever side holds all of it."""
    written = axes.annotate(
        label, (at, 1.08), xytext=(-5 if before else 5, 5), textcoords="offset points",
        ha="right" if before else "left", color=color, fontsize=11, fontweight="bold", annotation_clip=False,
    )  # fmt: skip
    # Measured in DejaVu Sans, which is about as wide as any font the reader's browser may choose.
    box, width = written.get_window_extent(), axes.get_figure(root=True).bbox.width  # type: ignore[union-attr]
    if before and box.x0 < EDGE * width:
        written.set(ha="left", position=(5, 5))
    elif not before and box.x1 > (1 - EDGE) * width:
        written.set(ha="right", position=(-5, 5))


def outline(axes: "Axes", cosines: Cosines, color: str, left: float) -> None:
    """Draw a filled histogram scaled to its own highest bar: shapes are compared, never heights."""
    # Clipped: in float64 the cosine of an image with its copy is slightly above 1.
    heights, edges = np.histogram(np.clip(cosines, -1.0, 1.0), bins=BINS[left <= BINS])
    if not heights.any():
        return
    axes.stairs(heights / heights.max(), edges, fill=True, color=color, alpha=0.45, linewidth=0)
    axes.stairs(heights / heights.max(), edges, color=color, linewidth=1.2)


def leftmost(candidates: Cosines, random: Cosines, threshold: float) -> float:
    """Return where the axis begins: at 0, or at the tenth below the lowest cosine."""
    lowest = min([0.0, threshold - 0.1, *(float(np.nanmin(c)) for c in (candidates, random) if len(c))])
    return max(-1.0, round(float(np.floor(lowest * 10 + 1e-9) / 10), 9))


def plain(axes: "Axes") -> None:
    axes.set_facecolor("none")
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.set_yticks([])
    axes.tick_params(axis="x", color=FAINT, labelcolor=INK, labelsize=10.5, length=3)


def heat_map(grid: Grid, *, name: str, comparison: str) -> str:
    """Draw counts by blind threshold (rows, strictest at the top) and reference threshold (columns)."""
    rows, columns = len(grid.blind), len(grid.reference)
    width, height = LEFT_MARGIN + 0.68 * columns, BOTTOM_MARGIN + 0.34 * rows + 0.05
    with figure(width, height) as drawing:
        axes = drawing.add_axes(
            (LEFT_MARGIN / width, BOTTOM_MARGIN / height, 0.68 * columns / width - 0.01, 0.34 * rows / height)
        )
        axes.set_xlim(0, columns)
        axes.set_ylim(0, rows)
        for row in range(rows):
            if grid.searched[row]:
                draw_counts(axes, grid, row)
        draw_unsearched(axes, grid)
        mark_chosen(axes, grid)
        axes.set_xticks(np.arange(columns) + 0.5, [f"{t:g}" for t in grid.reference])
        axes.set_yticks(np.arange(rows) + 0.5, [f"{t:g}" for t in grid.blind])
        axes.set_xlabel("reference cosine  <", color=REFERENCE, fontsize=10, fontweight="bold", labelpad=6)
        near = f"blind cosine  {sign(comparison)}"
        axes.set_ylabel(near, color=BLIND, fontsize=10, fontweight="bold", labelpad=8)
        axes.tick_params(length=0, labelcolor=INK, labelsize=9.5)
        axes.set_facecolor("none")
        axes.spines[:].set_visible(False)
        return svg(drawing, name=name)


def draw_counts(axes: "Axes", grid: Grid, row: int) -> None:
    most = int(grid.counts[list(grid.searched)].max(initial=0))
    for column, count in enumerate(grid.counts[row].tolist()):
        level = heat_level(count, most)
        cell(axes, row, column, facecolor=HEAT[level], edgecolor=GROUND, linewidth=1.2)
        axes.text(
            column + 0.5, row + 0.48, short(count), ha="center", va="center", fontsize=9.5,
            color=ON_DEEP if level >= DEEP_FROM else ON_PALE,
            fontweight="bold" if (row, column) == grid.chosen else "normal",
        )  # fmt: skip


def draw_unsearched(axes: "Axes", grid: Grid) -> None:
    below = grid.searched.index(True) if True in grid.searched else len(grid.searched)
    if not below:
        return
    columns = len(grid.reference)
    cell(axes, 0, 0, columns, below, facecolor="none", edgecolor=FAINT, hatch="///", linewidth=0)
    axes.text(
        columns / 2, below / 2, "not searched: below search.min_cosine", ha="center", va="center",
        color=INK, fontsize=9.5, bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 4},
    )  # fmt: skip


def mark_chosen(axes: "Axes", grid: Grid) -> None:
    row, column = grid.chosen
    cell(axes, row, column, facecolor="none", edgecolor=REFERENCE, linewidth=2.6, zorder=5, clip_on=False)


def cell(axes: "Axes", row: int, column: int, width: int = 1, height: int = 1, **look: object) -> None:
    from matplotlib.patches import Rectangle

    axes.add_artist(Rectangle((column, row), width, height, **look))  # type: ignore[arg-type]


def heat_level(count: int, most: int) -> int:
    """Return 0 for no pairs, else 1 to 7 on a log scale: counts of pairs span many powers of ten."""
    if count <= 0:
        return 0
    return 1 + min(6, int(6 * np.log1p(count) / np.log1p(most)))


def sign(comparison: str) -> str:
    return "≥" if comparison == ">=" else comparison


def short(count: int) -> str:
    """Format a count in at most five characters, so that it fits a cell: 1234 -> 1,234, 45678 -> 46k."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= 10 * size:
            return f"{count / size:.0f}{letter}"
    return f"{count:,}"


@contextmanager
def figure(width: float, height: float) -> "Iterator[Figure]":
    """Yield a figure of this size (inches) with the settings that make its SVG reproducible and themable."""
    import matplotlib
    from matplotlib.figure import Figure

    # The defaults first: a matplotlibrc of this machine must not change the page.
    look: dict[Any, Any] = dict(matplotlib.rcParamsDefault) | {"backend": "agg", "svg.fonttype": "none"}
    look |= {"hatch.color": FAINT, "hatch.linewidth": 0.8, "font.family": "DejaVu Sans"}
    with matplotlib.rc_context(look):
        yield Figure(figsize=(width, height), facecolor="none")


def svg(drawing: "Figure", *, name: str) -> str:
    import matplotlib

    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # The salt makes ids reproducible, and different from those of the page's other figures.
    with matplotlib.rc_context({"svg.hashsalt": name}):
        drawing.savefig(buffer, format="svg", metadata=nothing)
    return themed(buffer.getvalue(), name)
