"""What a recipe says of which URLs of a table are fetched."""

from __future__ import annotations

from pydantic import Field

from stages.base import Settings


class WhereSettings(Settings):
    """Filters, before a byte is fetched. A row that lacks the value does not pass."""

    aesthetic_min: float | None = Field(None, description="LAION aesthetic score at least")
    unsafe_max: float | None = Field(None, description="probability of being unsafe at most")
    watermark_max: float | None = Field(None, description="probability of a watermark at most")
    similarity_min: float | None = Field(None, description="cosine of image and caption, as LAION states it, at least")
    width_min: int | None = Field(None, description="pixels, as the table states them, at least")
    height_min: int | None = Field(None, description="pixels, as the table states them, at least")
    languages: tuple[str, ...] | None = Field(None, description="languages of the caption: [en, de]")
