"""Matching: compare a group's images with the statement that is true of one of them, as MMVP-VLM does.

Source: tsb0601/MMVP, scripts/evaluate_vlm.py: the text is "a photo of " and the statement; all images of the group are
compared with each statement. The cosines are kept; what they say is decided where answers are read.
A text with more tokens than the model takes is cut, and the number of such texts is counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifests.evaluation_tables import AS_WRITTEN, FAILED
from manifests.tables import OK
from stages.base import Machine
from stages.evaluate.pictures import picture
from stages.images import ImageRefused, decode
from stages.models.encoders.weights import Weights
from stages.models.matching.base import load
from stages.models.matching.settings import MatchingSettings

PREFIX = "a photo of "
TEXTS_CUT = "texts_cut"
NOT_FINITE = "the model gives a vector of zeros, or one that is not finite; use precision: float32"
Row = Mapping[str, Any]


class Matcher:
    """A model that matches images and texts, set up."""

    def __init__(self, settings: MatchingSettings, weights: Weights, machine: Machine) -> None:
        self._model = load(settings, weights, machine)
        self.computed = self._model.computed

    def predictions(self, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
        """Yield a prediction for each question that has a statement; the rows of a group follow one another."""
        for _, group in groupby(rows, lambda row: row["group"]):
            asked = list(group)
            by_image = {row["image_id"]: row for row in reversed(asked)}
            if stated := [row for row in asked if row["statement"] is not None]:
                yield from self._group(stated, [by_image[image] for image in stated[0]["images"]])

    def aside(self, rows: Sequence[Row]) -> dict[str, int]:
        """Count the statements that are cut, because they have more tokens than the model takes."""
        cut = sum(self._model.too_long([PREFIX + row["statement"] for row in rows if row["statement"] is not None]))
        return {TEXTS_CUT: cut} if cut else {}

    def _group(self, rows: Sequence[Row], shown: Sequence[Row]) -> Iterator[dict[str, Any]]:
        """Yield the predictions of these statements. `shown`: a row about each image of the group, in order."""
        began = time.monotonic()
        texts = [PREFIX + row["statement"] for row in rows]
        try:
            cosines = self._cosines(shown, texts)
        except ImageRefused as error:
            yield from (_row(row, text, None, 0.0, error.sentence) for row, text in zip(rows, texts, strict=True))
            return
        share = (time.monotonic() - began) / len(rows)
        for row, text, found in zip(rows, texts, cosines, strict=True):
            is_finite = bool(np.isfinite(found).all())
            yield _row(row, text, found.tolist(), share) if is_finite else _row(row, text, None, share, NOT_FINITE)

    def _cosines(self, shown: Sequence[Row], texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (texts, images) cosines in float64; the images are those of `shown`, in order."""
        prepared = [self._model.prepare(decode(picture(row) or b"")) for row in shown]
        images, words = self._model.encode_images(prepared), self._model.encode_texts(texts)
        return words.astype(np.float64) @ images.astype(np.float64).T


def _row(row: Row, text: str, cosines: list[float] | None, seconds: float, error: str | None = None) -> dict[str, Any]:
    return {
        "question_id": row["question_id"],
        "order": AS_WRITTEN,
        "vision": True,
        "prompt": text,
        "response": None,
        "scores": cosines,
        "tokens_in": None,
        "tokens_out": None,
        "seconds": seconds,
        "status": OK if error is None else FAILED,
        "error": error,
    }
