"""What a recipe says of the search."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.base import Settings


class SearchSettings(Settings):
    """The `candidates` step: dear, and free of policy."""

    blind: str = Field(description="the encoder (of embed.encoders) whose blindness is sought")
    reference: str = Field(description="the encoder that sees")
    min_cosine: float = Field(0.95, gt=-1, le=1, description="floor: every pair with a blind cosine >= this is kept")
    method: Literal["flat"] = Field("flat", description="how candidates are found; see stages/search/methods.py")
    block_rows: int = Field(8192, ge=1, description="vectors in one side of a tile, at most")
