"""Views: pairs, photos and questions as plain JSON for the pages. A page gets nothing else about a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.benchmark.page.desk import Desk
from pipeline.benchmark.page.queue import Queue
from pipeline.benchmark.photos import Photo
from stages.author.authored import Ids
from stages.text import visible

TEXT = 500  # characters of a caption, key or URL: a caption may be as long as a book
AT_ONCE = 50  # pairs in one window
PRIVATE = ("left_id", "right_id", "writers", "first", "place")  # fields of a pair that no page needs


def photo_view(photo: Photo) -> dict[str, Any]:
    shown = ("image_id", "caption", "key", "source", "url", "license", "width", "height")
    told = {name: _bounded(getattr(photo, name)) for name in shown}
    return {"src": f"/photos/{photo.image_id}", **told, "label": _bounded(photo.class_name or photo.label)}


def pair_view(desk: Desk, queue: Queue, ids: Ids) -> dict[str, Any]:
    """Return everything that the page shows of one pair. Raises KeyError for a pair that is not in `queue`."""
    known, place, written = desk.known, queue.places[ids], desk.written(ids)
    pair = queue.pairs[place]
    numbers = ("rank", "group", "blind_cosine", "reference_cosine", "gap")
    left, right = (photo_view(queue.photos[image_id]) for image_id in ids)
    return {
        "left_id": ids[0],
        "right_id": ids[1],
        "place": place,
        **{name: getattr(pair, name) for name in numbers},
        "left": left,
        "right": right,
        "written": {name: value for name, value in written.to_json().items() if name not in PRIVATE},
        "lacks": list(written.lacks),
        "whole": written.whole,
        "missed": list(known.missed.get(ids, ())),
        "listed": queue.is_listed(ids),
    }


def window(
    desk: Desk, show: str, search: str, *, after: int | None = None, before: int | None = None, count: int = 1
) -> dict[str, Any]:
    """Return up to `count` matching pairs from a place onward, nearest first, and how many match in all."""
    queue = desk.queue
    places = desk.matching(queue, show, search)
    chosen = _near(places, after, before)[: max(0, min(count, AT_ONCE))]
    here = after if after is not None else before if before is not None else -1
    return {
        "pairs": [pair_view(desk, queue, queue.pairs[place].ids) for place in chosen],
        "matching": len(places),
        "before": sum(place <= here for place in places),
    }


def _near(places: Sequence[int], after: int | None, before: int | None) -> list[int]:
    if before is not None:
        return [place for place in reversed(places) if place < before]
    return [place for place in places if place > (-1 if after is None else after)]


def _bounded(value: Any) -> Any:
    """Return a text as a page may show it: cut to a readable length, without control characters."""
    if not isinstance(value, str):
        return value
    return visible(value if len(value) <= TEXT else value[: TEXT - 1] + "…")
