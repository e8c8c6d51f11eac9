"""Matched: what the 2 x 2 cosines of a pair say: Winoground's scores (arXiv 2204.03162, section 4), and group match.

With s(text, image): the image score asks whether each text is nearer to its own image, which is MMVP-VLM's pair
accuracy and thus already the group accuracy. Equal cosines count as wrong here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifests.manifest import Manifest
from stages.accuracy import Share

Row = Mapping[str, Any]
Square = NDArray[np.float64]  # [text, image], the diagonal being what belongs together


def squares(questions: Sequence[Row], predictions: Manifest) -> dict[str, Square]:
    """Return the 2 x 2 cosines of each group with exactly two statements, each of an image, and cosines for both."""
    batches = predictions.batches(("question_id", "scores"))
    cosines = {row["question_id"]: row["scores"] for batch in batches for row in batch.to_pylist()}
    groups = defaultdict[str, list[Row]](list)
    for question in questions:
        if question["statement"] is not None:
            groups[question["group"]].append(question)
    found = {name: _square(group, [cosines.get(one["question_id"]) for one in group]) for name, group in groups.items()}
    return {name: square for name, square in found.items() if square is not None}


def _square(group: Sequence[Row], cosines: Sequence[Sequence[float] | None]) -> Square | None:
    own = [one["image_id"] for one in group]
    if len(group) != 2 or own[0] == own[1] or any(row is None or len(row) != 2 for row in cosines):
        return None
    images = list(group[0]["images"])
    square = np.array(cosines, np.float64)
    return square[:, [images.index(one) for one in own]]


def match_metrics(found: Sequence[Square]) -> Iterator[tuple[str, Share]]:
    """Yield text score (chance 1/4), group score (1/6) and group match (1/2) over these pairs."""
    if not found:
        return
    both = np.stack(found)
    own, other = np.einsum("nii->ni", both), both[:, [0, 1], [1, 0]]  # other: text 1 with image 2, text 2 with image 1
    by_text = (own[:, 0] > other[:, 1]) & (own[:, 1] > other[:, 0])
    by_image = (own > other).all(axis=1)
    matched = own.sum(axis=1) > other.sum(axis=1)
    for name, right in (("text_score", by_text), ("group_score", by_text & by_image), ("group_match", matched)):
        yield name, Share(int(right.sum()), len(right))
