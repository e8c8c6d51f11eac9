"""Settings: the search section of a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.settings import Settings


class SearchSettings(Settings):
    """The `candidates` step: expensive, so it decides nothing that the filter can decide."""

    blind: str = Field(description="the encoder (of embed.encoders) whose blind spots are searched for")
    reference: str = Field(description="the encoder that sees the difference")
    min_cosine: float = Field(
        0.95, gt=-1, le=1, description="floor: two images with a blind cosine >= this become a candidate"
    )
    method: Literal["exact", "flat", "ivf"] = Field(
        "exact",
        description="exact: misses none, by a bound; flat: misses none, by brute force (FAISS); ivf: may miss some",
    )
    max_per_image: int | None = Field(
        100, ge=1, description="candidates kept per image in one tile, lowest reference cosine first; null: all"
    )
    block_rows: int = Field(
        65536, ge=1, description="maximum number of images on one side of a tile: bounds memory; 1048576 suits a GPU"
    )
    ivf_probes: int = Field(16, ge=1, description="for method ivf: number of cells searched for each image")
