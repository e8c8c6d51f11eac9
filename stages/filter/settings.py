"""Settings: the filter section of a recipe. All of it is cheap to change: nothing is searched again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.settings import Settings


class FilterSettings(Settings):
    """The `pairs` step."""

    blind_min: float = Field(0.95, ge=-1, le=1, description="a pair's blind cosine is at least this")
    reference_max: float = Field(0.60, ge=-1, le=1, description="a pair's reference cosine is below this")
    comparison: Literal[">=", ">"] = Field(
        ">=", description="blind cosine >= blind_min, or > as MMVP section 2.1 words it"
    )
    near_duplicate_min: float | None = Field(
        0.95, ge=-1, le=1, description="images are near-duplicates if both cosines are >= this; null: none are"
    )
    max_pairs_per_image: int | None = Field(10, ge=1, description="at most so many kept pairs an image; null: no cap")
