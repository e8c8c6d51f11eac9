"""Page: the leaderboard as one self-contained HTML file (pipeline/reports/pages says what that means)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from pipeline.reports.leaderboard import scatter
from pipeline.reports.leaderboard.chance import chance
from pipeline.reports.leaderboard.compared import NEEDS_NO_EYES, Versus, comparable, judged, versus
from pipeline.reports.leaderboard.evaluation import UNREAD, Evaluation, Model
from pipeline.reports.leaderboard.facts import Board
from pipeline.reports.leaderboard.tags import TITLES
from pipeline.reports.pages import html
from stages.evaluate.published import ANSWERING, HUMAN, MATCHING, Published
from stages.paired_tests import holm
from stages.patterns import BY_NAME

TEMPLATES = Path(__file__).parent / "templates"
METRICS = {  # beside the two accuracies, in the order of the columns
    "question_group_accuracy": "question right for all images",
    "image_group_accuracy": "image right for all questions",
    "source_balanced_accuracy": "mean over data sets",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "yes_share": "says yes",
    "text_score": "text score",
    "group_score": "group score",
    "group_match": "group match",
    "first_option_share": "first option chosen",
    "order_consistency": "same in both orders",
}


@dataclass(frozen=True)
class Section:
    """Models whose figures may stand side by side: those of one prompt form, or those that match."""

    form: str
    models: Sequence[Model]
    columns: Sequence[str]  # metrics beside the two accuracies
    differences: Sequence[tuple[Versus, float]]  # the best model against the others, with Holm's p

    @property
    def matching(self) -> bool:
        return not self.form


def render(board: Board) -> Iterator[str]:
    """Render the page in pieces, so that all thumbnails are never in memory twice."""
    return html.stream(environment(), "leaderboard.html.j2", context(board))


def context(board: Board) -> dict[str, Any]:
    """Return everything the template may use; the template decides only the layout."""
    evaluation = board.evaluation
    found = sections(evaluation)
    return {
        "board": board,
        "evaluation": evaluation,
        "models": evaluation.models,
        "broken": [one for one in evaluation.models if not one.complete],
        "spared": len(judged(evaluation.models)) < len(evaluation.models),
        "numbers": {name: number for number, name in enumerate(evaluation.groups, 1)},
        "shown": len(board.cards),
        "sections": found,
        "published": published(evaluation),
        "panels": [panels(evaluation, one) for one in found if not one.matching] or [panels(evaluation, None)],
        "titles": TITLES,
        "metric_titles": METRICS,
        "human": HUMAN,
        "scatter": scatter,
        **html.dressed(style(), html.source(TEMPLATES, "leaderboard.js")),
    }


def style() -> str:
    """Return the page's style: the reports' own, then the leaderboard's."""
    shared = [html.source(html.SHARED, name) for name in ("base.css", "tables.css", "cards.css")]
    return "".join([*shared, *(html.source(TEMPLATES, name) for name in ("leaderboard.css", "groups.css"))])


def sections(evaluation: Evaluation) -> list[Section]:
    """Return one section for each prompt form, then one for the models that match."""
    forms = dict.fromkeys(one.form for one in evaluation.models)
    return [_section(evaluation, form, [one for one in evaluation.models if one.form == form]) for form in forms]


def _section(evaluation: Evaluation, form: str, models: Sequence[Model]) -> Section:
    columns = [name for name in METRICS if any(model.figure(name).of is not None or name == "f1" for model in models)]
    columns = [name for name in columns if any(model.figure(name).value is not None for model in models)]
    return Section(form, models, columns, _differences(models))


def _differences(models: Sequence[Model]) -> list[tuple[Versus, float]]:
    ready = [one for one in models if one.complete]
    if not (best := judged(ready)[:1]):
        return []
    pairs = [versus(best[0], one, ()) for one in ready if one is not best[0] and comparable(best[0], one)]
    found = [one for one in pairs if one is not None]
    return list(zip(found, holm([one.all.p for one in found]), strict=True))


def published(evaluation: Evaluation) -> list[tuple[str, str, list[Published]]]:
    """Return published figures as (benchmark, source, rows), if this benchmark is in pairs as theirs are."""
    if not evaluation.in_pairs:
        return []
    kinds = {one.matching for one in evaluation.models}
    rows = [*(ANSWERING if False in kinds else ()), *(MATCHING if True in kinds else ())]
    found = defaultdict[tuple[str, str], list[Published]](list)
    for row in rows:
        found[row.benchmark, row.source].append(row)
    return [(benchmark, source, listed) for (benchmark, source), listed in found.items()]


@dataclass(frozen=True)
class Panel:
    """One category: how the models of a section and those that match do in it."""

    name: str
    title: str
    models: Sequence[Model]
    groups: int


def panels(evaluation: Evaluation, section: Section | None) -> tuple[str, list[Panel]]:
    """Return the form, and a panel for each category. None: there are only models that match."""
    form = section.form if section else ""
    models = [one for one in evaluation.models if one.complete and one.form in (form, "")]
    named = [(name, BY_NAME[name].title if name in BY_NAME else name) for name in evaluation.categories]
    counts = {name: _groups(evaluation, name) for name in evaluation.categories}
    return form, [Panel(name, title, models, counts[name]) for name, title in named] if models else []


def _groups(evaluation: Evaluation, category: str) -> int:
    return len({question["group"] for question in evaluation.questions if question["category"] == category})


def environment() -> Environment:
    made = html.environment(TEMPLATES)
    made.filters.update(percent=percent, points=points, probability=probability, chance=chance)
    made.filters.update(width=width, coefficient=coefficient)
    made.globals.update(unread=UNREAD, needs_no_eyes=NEEDS_NO_EYES)
    return made


def percent(share: float | None) -> str:
    """Return a share as a percentage with one decimal, as the field prints them; a dash if it is not known."""
    return "–" if share is None else f"{100 * share:.1f}"


def width(share: float) -> str:
    """Return a share as a length in CSS."""
    return f"{100 * share:.2f}%"


def coefficient(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def points(share: float) -> str:
    """Return a difference of two shares, in percentage points with a sign."""
    return f"{100 * share:+.1f}".replace("-", "−")


def probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
