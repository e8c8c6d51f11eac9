"""Settings: the sketch section of a recipe. Sketches affect how long the search takes, never what it finds."""

from __future__ import annotations

from pydantic import Field

from stages.settings import Settings


class SketchSettings(Settings):
    """The `directions` and `sketches` steps."""

    length: int | None = Field(
        None, ge=1, description="number of directions in a sketch; null: chosen from the vectors"
    )
    draw: int = Field(
        8192, ge=2, description="number of vectors that the directions are fitted to, drawn evenly from the manifest"
    )
