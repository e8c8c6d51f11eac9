"""Computing: a batch through an encoder, split and tried again when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.models.encoders.base import Encoder, is_out_of_memory


@dataclass
class Within:
    """Encodes batches within the memory there is, and remembers the size that fits."""

    encoder: Encoder
    largest: int = field(default=1 << 30)

    def encode(self, batch: Sequence[Any]) -> NDArray[np.float32]:
        """(n, dim) float32 of at least one image. Raises the encoder's own error when a single one does not fit."""
        size = min(self.largest, len(batch))
        try:
            parts = [self.encoder.encode(batch[start : start + size]) for start in range(0, len(batch), size)]
            return np.concatenate(parts)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or size == 1:
                raise
        # outside the handler, so that what failed is freed before the next try
        self.largest = size // 2
        return self.encode(batch)


def unit(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Rows at unit length (normalised in float64), and which rows have one: finite and not all zero."""
    wide = vectors.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        length = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
        good = np.isfinite(length[:, 0]) & (length[:, 0] > 0)
        return np.where(good[:, None], wide / length, 0.0).astype(np.float32), good
