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
        ">=", description="whether the blind cosine must be >= blind_min, or > as section 2.1 of the MMVP paper says"
    )
    near_duplicate_min: float | None = Field(
        0.95,
        ge=-1,
        le=1,
        description="two images are near-duplicates if both of their cosines are >= this; null: no images are",
    )
    max_pairs_per_image: int | None = Field(
        10, ge=1, description="maximum number of kept pairs per image; null: no limit"
    )
