"""Page: one self-contained HTML file of a report, for a person, opened from disk without a network.

Everything is inline: style, script, figures, thumbnails. The page's own security policy forbids every
request and every script except its own. The same report gives the same bytes: no clock, no random ids.
"""

import base64
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.reports.audit.summary import down
from pipeline.reports.gallery.advice import SEARCH_FROM, WANTED
from pipeline.reports.gallery.facts import Photo, Report, Stage
from pipeline.reports.gallery.thresholds import Grid, fine_grid, threshold_grid
from stages.text import many, shown

TEMPLATES = Path(__file__).parent / "templates"
CHUNK = 8  # template events (a card is one, up to some 30 KB) per piece of text
ALT_LENGTH = 120
CARDS_PER_IMAGE = 3  # shown of one image; the others are folded
UNITS = {"images": ("image", "images"), "pairs of images": ("pair of images", "pairs of images")}


def render(report: Report) -> Iterator[str]:
    """Render the page in pieces, so that a thousand pairs are never in memory twice."""
    stream = environment().get_template("gallery.html.j2").stream(**context(report))
    stream.enable_buffering(CHUNK)
    return iter(stream)


def context(report: Report) -> dict[str, Any]:
    """Return everything the template may use; the template decides only the layout."""
    grid = threshold_grid(report)
    script = source("folding.js") + source("gallery.js") + source("sliders.js")
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
        "style": source("gallery.css") + source("cards.css"),
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


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


def noun(count: int, one: str, several: str = "") -> str:
    """Return the word for so many: `many` without the number."""
    return many(count, one, several).split(" ", 1)[1]


def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    made.filters.update(
        cosine=lambda value: f"{value:.4f}",
        number=lambda value: f"{value:,}",
        percent=lambda value: f"{100 * min(1.0, max(0.0, value)):.2f}%",
        threshold=lambda value: f"{value:g}",
        down=down,
        many=many,
        noun=noun,
        link=web_address,
        words=spoken,
    )
    return made


def web_address(url: str | None) -> str | None:
    """Return the url if a browser may follow it, else None: a data set can hold `javascript:` or anything else."""
    try:
        known = url is not None and urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return None
    return url if known else None


def spoken(photo: Photo) -> str:
    """Describe an image in a few words, for people who cannot see it."""
    text = photo.caption or photo.label or photo.key
    return text if len(text) <= ALT_LENGTH else text[: ALT_LENGTH - 1] + "…"


def source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
