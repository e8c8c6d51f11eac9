"""Settings: the search section of a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.settings import Settings


class SearchSettings(Settings):
    """The `candidates` step: expensive, and free of policy."""

    blind: str = Field(description="the encoder (of embed.encoders) whose blindness is sought")
    reference: str = Field(description="the encoder that sees")
    min_cosine: float = Field(0.95, gt=-1, le=1, description="floor: every pair with a blind cosine >= this is kept")
    method: Literal["exact", "flat", "ivf"] = Field(
        "exact", description="exact: none missed, by a bound; flat: by FAISS, all numbers compared; ivf: may miss some"
    )
    max_per_image: int | None = Field(
        100, ge=1, description="candidates kept for an image in one tile, least reference cosine first; null: all"
    )
    block_rows: int = Field(
        65536, ge=1, description="images in one side of a tile, at most: bounds memory; 1048576 suits a GPU"
    )
    ivf_probes: int = Field(16, ge=1, description="method ivf: cells looked into for each image")
