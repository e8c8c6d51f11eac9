"""Gallery: reports of made-up pairs, and their pages."""

from __future__ import annotations

import numpy as np

from pipeline.reports.gallery.facts import Pair, Photo, Report, Stage
from pipeline.reports.gallery.page import render


def photo(key: str, **fields: object) -> Photo:
    facts = {"image_id": f"id-{key}", "source": "drawn", "key": key, "width": 224, "height": 224}
    return Photo(**{**facts, **fields})  # type: ignore[arg-type]


def pair(rank: int, left: Photo | None = None, right: Photo | None = None) -> Pair:
    blind, reference = 0.95 + 0.00004 * rank, 0.1 + 0.00041 * rank
    left, right = left or photo(f"left-{rank}"), right or photo(f"right-{rank}")
    return Pair(rank, blind, reference, blind - reference, rank // 3, left, right)


def report(*pairs: Pair, **fields: object) -> Report:
    rng = np.random.default_rng(7)
    facts = {
        "title": "drawn scenes",
        "blind": "CLIP",
        "reference": "DINOv2",
        "blind_min": 0.95,
        "reference_max": 0.6,
        "floor": 0.9,
        "pairs_total": len(pairs),
        "pairs": pairs,
        "funnel": (Stage("images seen", 100), Stage("readable", 95, lost=(("truncated", 5),))),
        "candidates_total": 400,
        "candidate_blind": rng.uniform(0.9, 1.0, 400),
        "candidate_reference": rng.uniform(0.2, 1.0, 400),
        "random_blind": rng.normal(0.4, 0.1, 500),
        "random_reference": rng.normal(0.1, 0.1, 500),
        "settings": (("filter.blind_min", "0.95"),),
    }
    return Report(**{**facts, **fields})  # type: ignore[arg-type]


def page(report: Report) -> str:
    return "".join(render(report))
