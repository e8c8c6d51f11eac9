"""Metrics: what a model's answers amount to, each a share of questions, groups or replies, or a mean of such shares.

A reply that was not read, was refused or was cut off is not right, and is counted apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from manifests.evaluation_tables import FAILED, REFUSED, TRUNCATED, UNPARSED, YES_NO
from stages.accuracy import Share
from stages.evaluate.sheets import MISSING, Outcome, Sheet

COUNTED = (UNPARSED, REFUSED, TRUNCATED, FAILED, MISSING)  # each a metric of its own, kept when replies are missing
YES = "yes"
Found = Iterator[tuple[str, Share | float | None]]  # a metric's name, and its share, or its value if it is no share


def metrics(sheet: Sheet) -> Found:
    """Yield every metric that makes sense for these questions, by name."""
    yield from _accuracies(sheet)
    yield from _balanced(sheet)
    if not sheet.matching:
        yield from _yes_no(sheet)
        yield from _positions(sheet)


def counts(sheet: Sheet) -> Iterator[tuple[str, Share]]:
    """Yield how many replies are not there to be judged, by reason, out of how many were asked for."""
    asked = sheet.statuses.total()
    return ((status, Share(sheet.statuses[status], asked)) for status in COUNTED)


def _accuracies(sheet: Sheet) -> Found:
    yield "question_accuracy", _share(one.right for one in sheet.outcomes)
    groups = list(sheet.groups.values())
    if any(len(group) > 1 for group in groups):
        yield "group_accuracy", all_right(groups)
    if any(len(set(_texts(group))) > 1 for group in groups):  # NaturalBench's Q_Acc and I_Acc (BaiqiL/NaturalBench)
        yield "question_group_accuracy", all_right(_parts(groups, "question"))
        yield "image_group_accuracy", all_right(_parts(groups, "image_id"))


def all_right(groups: Sequence[Sequence[Outcome]]) -> Share:
    """Return in how many of these groups every question is right."""
    return _share(all(one.right for one in group) for group in groups)


def _texts(group: Sequence[Outcome]) -> list[str | None]:
    return [one.question["question"] for one in group]


def _parts(groups: Sequence[Sequence[Outcome]], column: str) -> list[list[Outcome]]:
    """Divide each group by a column of its questions."""
    found = defaultdict[tuple[int, Any], list[Outcome]](list)
    for number, group in enumerate(groups):
        for one in group:
            found[number, one.question[column]].append(one)
    return list(found.values())


def _balanced(sheet: Sheet) -> Found:
    """Yield CV-Bench's accuracy (Cambrian-1, arXiv 2406.16860, section 3.2), in which no data set outweighs another.

    Sources that share a category, such as COCO and ADE20K in CV-Bench's 2D half, form a part. A part's accuracy is the
    mean over its sources, and the whole is the mean over the parts: no plain mean, and not one over sources.
    """
    sourced = [one for one in sheet.outcomes if one.question["source"] is not None]
    by_source = defaultdict[str, list[Outcome]](list)
    for one in sourced:
        by_source[one.question["source"]].append(one)
    if len(by_source) < 2 or len(sourced) < len(sheet.outcomes):
        return
    parts = [[_accuracy(by_source[source]) for source in part] for part in parts_of(sourced)]
    yield "source_balanced_accuracy", _mean([_mean(part) for part in parts])


def parts_of(outcomes: Sequence[Outcome]) -> list[set[str]]:
    """Return the sources, those that share a category together."""
    by_category = defaultdict[Any, set[str]](set)
    for one in outcomes:
        by_category[one.question["category"]].add(one.question["source"])
    parts: list[set[str]] = []
    for sources in by_category.values():
        joined = [part for part in parts if part & sources]
        parts = [part for part in parts if not part & sources] + [sources.union(*joined)]
    return parts


def _yes_no(sheet: Sheet) -> Found:
    """Yield POPE's metrics (arXiv 2305.10355), where yes is what is looked for.

    A reply that says neither finds nothing: it is missed where the answer is yes, and never counts as yes.
    """
    asked = [one for one in sheet.outcomes if one.question["kind"] == YES_NO]
    if not asked or len(asked) < len(sheet.outcomes):
        return
    said = [_is_yes(one.question, one.chosen[0]) for one in asked]
    true = [_is_yes(one.question, one.question["answer"]) for one in asked]
    found = sum(says and is_so for says, is_so in zip(said, true, strict=True))
    yield "precision", Share(found, sum(said))
    yield "recall", Share(found, sum(true))
    yield "f1", 2 * found / (sum(said) + sum(true)) if sum(said) + sum(true) else None
    yield "yes_share", Share(sum(said), len(asked))


def _is_yes(question: Mapping[str, Any], letter: str | None) -> bool:
    return letter is not None and question["options"][ord(letter) - ord("a")].strip().lower() == YES


def _positions(sheet: Sheet) -> Found:
    """Yield how often the first option was chosen, of the replies that were read, and whether order changes answers.

    Where both orders were asked, a question counts as answered alike if both replies were read and chose one option.
    """
    offered = [one for one in sheet.outcomes if one.question["kind"] != YES_NO]
    if offered:
        yield "first_option_share", _share(is_first for one in offered for is_first in one.first_shown)
    if sheet.both_orders:
        yield "order_consistency", _share(_alike(one) for one in sheet.outcomes)


def _alike(one: Outcome) -> bool:
    return one.chosen[0] is not None and len(set(one.chosen)) == 1


def _accuracy(outcomes: Sequence[Outcome]) -> float:
    return sum(one.right for one in outcomes) / len(outcomes)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _share(values: Iterator[bool] | Any) -> Share:
    listed = list(values)
    return Share(sum(listed), len(listed))
