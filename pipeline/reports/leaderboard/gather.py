"""Gather: collect what the page shows from an evaluation's manifests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version

from manifests.storage import Folder
from pipeline.reports.leaderboard.cards import cards
from pipeline.reports.leaderboard.compared import image_gains, judged, scatters
from pipeline.reports.leaderboard.evaluation import Evaluation, opened
from pipeline.reports.leaderboard.facts import Board
from pipeline.reports.leaderboard.tags import TITLES, tags_of
from pipeline.reports.pages.provenance import settings_of

SHOWN = 1000  # groups on the page
OF_A_RUN = re.compile(r"evaluation-(\d+)")


def gather(folder: Folder) -> Board:
    """Collect the facts of a finished evaluation. Raises NotCommitted where a step is missing."""
    evaluation = opened(folder)
    shown = cards(evaluation, _chosen(evaluation))
    tally = Counter(tag for name in shown.names for tag in tags_of(evaluation.models, name))
    return Board(
        title=_title(folder),
        version=version("blindpairs"),
        evaluation=evaluation,
        cards=shown,
        featured=shown[_featured(evaluation, shown.names)] if len(shown) else None,
        filters=[(name, tally[name]) for name in TITLES if tally[name]],
        scatters=scatters(evaluation),
        image_gains=image_gains(evaluation.models),
        settings=list(settings_of(evaluation.manifests.values())),
        benchmark=_benchmark(evaluation),
    )


def _benchmark(evaluation: Evaluation) -> str:
    named = evaluation.manifests["questions"].lineage.settings.get("benchmark", {})
    kind = named.get("kind", "")
    return f"version {named['version']}" if kind == "run" else str(kind)


def _chosen(evaluation: Evaluation) -> list[str]:
    """Return the groups to show, in the benchmark's order: all, or the SHOWN that fewest models got right."""
    names = list(evaluation.groups)
    if len(names) <= SHOWN:
        return names
    hardest = set(sorted(names, key=lambda name: _right(evaluation, name))[:SHOWN])
    return [name for name in names if name in hardest]


def _featured(evaluation: Evaluation, names: Sequence[str]) -> int:
    """Return the place of the group at the top of the page: the first of those that fewest models got right."""
    return min(range(len(names)), key=lambda place: (_right(evaluation, names[place]), place))


def _right(evaluation: Evaluation, group: str) -> int:
    return sum(one.all_right(group) for one in judged(evaluation.models) if one.was_asked(group))


def _title(folder: Folder) -> str:
    """Return the run's name, or that of the benchmark's own folder."""
    parts = [part for part in folder.url.rstrip("/").split("/") if part]
    return parts[-2] if OF_A_RUN.fullmatch(parts[-1]) and len(parts) > 1 else parts[-1]
