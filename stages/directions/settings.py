"""Settings: the sketch section of a recipe. Sketches affect how long the search takes, never what it finds."""

from __future__ import annotations

from pydantic import Field

from stages.settings import Settings


class SketchSettings(Settings):
    """The `directions` and `sketches` steps."""

    length: int | None = Field(None, ge=1, description="directions of a sketch; null: chosen from the vectors")
    draw: int = Field(8192, ge=2, description="vectors the directions are fitted on, evenly over the manifest")
