"""Drawn: questions about the demo's pairs, whose truth is known because they were drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

from pipeline.benchmark.photos import photos_of
from pipeline.benchmark.store_path import store_path
from pipeline.run.run import Run
from stages.author.authored import KEPT, Authored, Ids
from stages.author.store import Store, utc_now

AUTHOR = "blindpairs demo"
QUESTION = "What does the picture show?"


def write_drawn(run: Run, planted: Mapping[Ids, str]) -> int:
    """Write a question, and statements, about each planted pair that the run kept; return how many are new.

    `planted`: the pattern of each pair, by the ids of its images. Both drawings' captions are the options. Pairs that
    people have touched stay as they are.
    """
    kept = [
        (left_id, right_id)
        for batch in run.manifest("pairs").batches(("left_id", "right_id", "reason"))
        for left_id, right_id, reason in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        if reason is None and (left_id, right_id) in planted
    ]
    with closing(Store(store_path(run.folder))) as store:
        touched = {pair.ids for pair in store.pairs()}
        pairs = list(_drawn(run, {ids: planted[ids] for ids in kept if ids not in touched}))
        store.adopt(pairs, AUTHOR)
    return len(pairs)


def _drawn(run: Run, patterns: Mapping[Ids, str]) -> Iterator[Authored]:
    photos = photos_of(run, {one for ids in patterns for one in ids})
    for number, (ids, pattern) in enumerate(sorted(patterns.items())):
        left, right = (str(photos[one].caption) for one in ids)
        swapped = number % 2 == 1  # so that a is right for the left image as often as for the right one
        yield Authored(
            *ids,
            decision=KEPT,
            pattern=pattern,
            question=QUESTION,
            option_a=right if swapped else left,
            option_b=left if swapped else right,
            left_answer="b" if swapped else "a",
            left_statement=left,
            right_statement=right,
            author=AUTHOR,
            authored_at=utc_now(),
        )
