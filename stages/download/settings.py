"""What a recipe says of its sources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from stages.base import Settings

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]


class SourceSettings(Settings):
    """One source of images."""

    name: Name = Field(description="enters every image_id and shard name; keep it when you move the files")
    kind: Literal["folder", "shards", "img2dataset"] = Field(description="how the images lie at uri")
    uri: str = Field(description="folder, or tars by braces or glob: /data/{00000..00146}.tar")
    licence: str | None = Field(None, description="licence of images that do not state their own")
    keys_repeat: bool = Field(False, description="shards only: the same member names occur in several tars")

    @model_validator(mode="after")
    def _keys_repeat_in_shards(self) -> SourceSettings:
        if self.keys_repeat and self.kind != "shards":
            raise ValueError(f"keys_repeat is for kind: shards, not for {self.kind}; leave it out")
        return self


class DownloadSettings(Settings):
    """The `images` step."""

    sources: tuple[SourceSettings, ...] = Field(description="one or more")
    shard_rows: int = Field(1000, ge=1, description="images in a shard of a folder; a tar is a shard of its own")

    @field_validator("sources")
    @classmethod
    def _named_once(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        if not sources:
            raise ValueError("name at least one source: --set images.sources.0.uri=PATH")
        names = [source.name for source in sources]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two sources are called {twice[0]}; a source's name enters every image_id")
        return sources
