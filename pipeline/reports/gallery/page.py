"""Page: one self-contained HTML file of a report, for a person (pipeline/reports/pages says what that means)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from pipeline.reports.audit.summary import down
from pipeline.reports.gallery.advice import SEARCH_FROM, WANTED
from pipeline.reports.gallery.facts import Photo, Report, Stage
from pipeline.reports.gallery.thresholds import Grid, fine_grid, threshold_grid
from pipeline.reports.pages import html

TEMPLATES = Path(__file__).parent / "templates"
ALT_LENGTH = 120
CARDS_PER_IMAGE = 3  # shown of one image; the others are folded
UNITS = {"images": ("image", "images"), "pairs of images": ("pair of images", "pairs of images")}


def render(report: Report) -> Iterator[str]:
    """Render the page in pieces, so that a thousand pairs are never in memory twice."""
    return html.stream(environment(), "gallery.html.j2", context(report))


def context(report: Report) -> dict[str, Any]:
    """Return everything the template may use; the template decides only the layout."""
    grid = threshold_grid(report)
    script = "".join(html.source(TEMPLATES, name) for name in ("folding.js", "gallery.js", "sliders.js"))
    return {
        "report": report,
        "shown": len(report.pairs),
        "best": report.pairs[0] if len(report.pairs) else None,
        "rungs": rungs(report.funnel),
        "grid": grid,
        "fine": fine_grid(report),
        "units": UNITS,
        "wanted": WANTED,
        "search_from": SEARCH_FROM,
        "cards_per_image": CARDS_PER_IMAGE,
        "figures": draw(report, grid),
        **html.dressed(style(), script),
    }


def style() -> str:
    """Return the page's style: the reports' own, with the gallery's figures in between."""
    shared = [html.source(html.SHARED, name) for name in ("base.css", "tables.css", "cards.css")]
    return shared[0] + html.source(TEMPLATES, "gallery.css") + shared[1] + shared[2]


def draw(report: Report, grid: Grid) -> dict[str, str]:
    from pipeline.reports.gallery import figures  # imports matplotlib, which takes a second to load

    near = f"near: {figures.sign(report.comparison)} {report.blind_min:g}"
    return {
        "blind": figures.distribution(
            report.candidate_blind,
            report.random_blind,
            threshold=report.blind_min,
            near=True,
            label=near,
            name="Blind cosines of candidates and random pairs",
        ),
        "reference": figures.distribution(
            report.candidate_reference,
            report.random_reference,
            threshold=report.reference_max,
            near=False,
            label=f"far: < {report.reference_max:g}",
            name="Reference cosines of candidates and random pairs",
        ),
        "heat": figures.heat_map(grid, name="Candidates by both thresholds", comparison=report.comparison),
    }


@dataclass(frozen=True)
class Rung:
    """A stage of the funnel as drawn."""

    stage: Stage
    width: float  # percent of the longest bar, on a log scale
    unexplained: int  # left out without a reason; 0 where the unit changed


def rungs(funnel: tuple[Stage, ...]) -> list[Rung]:
    longest = math.log10(1 + max((stage.count for stage in funnel), default=0)) or 1.0
    drawn = []
    for before, stage in zip((None, *funnel), funnel, strict=False):
        width = 100 * math.log10(1 + stage.count) / longest
        drawn.append(Rung(stage, round(width, 2), unexplained(before, stage)))
    return drawn


def unexplained(before: Stage | None, stage: Stage) -> int:
    if before is None or before.unit != stage.unit:
        return 0
    return before.count - stage.count - sum(count for _, count in stage.lost)


def environment() -> Environment:
    made = html.environment(TEMPLATES)
    made.filters.update(
        cosine=lambda value: f"{value:.4f}",
        percent=lambda value: f"{100 * min(1.0, max(0.0, value)):.2f}%",
        threshold=lambda value: f"{value:g}",
        down=down,
        words=spoken,
    )
    return made


def spoken(photo: Photo) -> str:
    """Describe an image in a few words, for people who cannot see it."""
    text = photo.caption or photo.label or photo.key
    return text if len(text) <= ALT_LENGTH else text[: ALT_LENGTH - 1] + "…"
