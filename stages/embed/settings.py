"""Settings: the embed section of a recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from stages.models.encoders.settings import EncoderSettings, Precision
from stages.settings import Settings

ColumnName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
TAKEN = ("image_id", "status", "error")


class EmbedSettings(Settings):
    """The `embeddings` step."""

    encoders: dict[ColumnName, EncoderSettings] = Field(
        description="column name -> encoder; each image is decoded once for all encoders"
    )
    dtype: Literal["float32", "float16"] = Field(
        "float32", description="type of the stored vectors; float16 moves a cosine by up to 6e-5"
    )
    precision: Precision = Field(
        "auto", description="precision of the networks; auto: float16 on a GPU that supports it, float32 on a CPU"
    )

    @field_validator("encoders")
    @classmethod
    def _some_with_free_names(cls, encoders: dict[str, EncoderSettings]) -> dict[str, EncoderSettings]:
        if not encoders:
            raise ValueError("name at least one encoder")
        if taken := [name for name in encoders if name in TAKEN]:
            raise ValueError(f"an encoder cannot be called {taken[0]}; the table has a column of that name")
        return dict(sorted(encoders.items()))  # column order must not depend on the recipe's order
