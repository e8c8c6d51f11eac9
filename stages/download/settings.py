"""Settings: what a recipe says about its sources; one class per kind, so that a setting of another kind is an error."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from manifests.stores.places import absolute
from stages.download.fetch.settings import FetchSettings
from stages.settings import Settings, known_kind

Place = Annotated[str, AfterValidator(absolute)]  # a worker may have another working folder
LICENSE, LICENCE = "license", "licence"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]


class SourceSettings(Settings):
    """Settings that every source has; and what a kind of source declares about the files that it reads and writes."""

    grows: ClassVar[bool] = True  # whether new files become new tasks; imagenet's source decides by its form
    deep: ClassVar[bool] = False  # whether its uri may be a folder that is read recursively

    name: Name = Field(description="part of every image_id and shard name; keep it when you move the files")
    kind: str = Field(description="folder, shards, img2dataset, parquet, imagenet or urls: the kinds are below")
    uri: str = Field(description="where the images are: a folder, or files by braces or glob, on a disk or in a bucket")
    license: str | None = Field(None, description="license of images that do not state their own")

    @model_validator(mode="before")
    @classmethod
    def _license_spelled_as_now(cls, values: Any) -> Any:
        """Take `licence`, its name in earlier versions, for `license`; also among the names of `columns`."""
        return _as_now(values) if isinstance(values, dict) else values

    def patterns(self) -> list[str]:
        """Return patterns of the files it reads, besides those below a folder: braces and globs."""
        return [self.uri]

    def writes_into(self) -> str | None:
        """Return the folder in which it stores what it fetches, if it fetches."""
        return None


def _as_now(values: Mapping[str, Any]) -> dict[str, Any]:
    columns = values.get("columns")
    inner = {"columns": _as_now(columns)} if isinstance(columns, dict) else {}
    if LICENCE not in values or LICENSE in values:
        return {**values, **inner}
    _warn_of_spelling()
    return {LICENSE if name == LICENCE else name: value for name, value in values.items()} | inner


@cache
def _warn_of_spelling() -> None:
    logging.getLogger(__name__).warning(
        "the recipe says %s, which is now spelled %s; the old spelling is still read", LICENCE, LICENSE
    )


def as_in_version_2(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source's settings by the names they had while the images table was in version 2."""
    then = {LICENCE if name == LICENSE else name: value for name, value in source.items()}
    return then | ({"columns": as_in_version_2(then["columns"])} if then.get("columns") else {})


class FolderSettings(SourceSettings):
    """Image files below a folder; the name of a file's folder becomes its label."""

    grows = False  # a task is a range of the folder's files
    deep = True
    kind: Literal["folder"]
    hidden: bool = Field(False, description="also read folders and files whose names begin with a dot")

    def patterns(self) -> list[str]:
        return []


class ShardsSettings(SourceSettings):
    """WebDataset: tars of images with .txt, .json and .cls files next to them."""

    kind: Literal["shards"]
    keys_repeat: bool = Field(False, description="the same member names occur in several tars")


class FetchedSettings(SourceSettings):
    """The output of img2dataset: tars, and a Parquet table next to each."""

    kind: Literal["img2dataset"]

    def patterns(self) -> list[str]:
        named = re.search(r"[*?[{]", self.uri)
        stem = self.uri.removesuffix(".tar") if named else f"{self.uri.rstrip('/')}/*"
        return [f"{stem}.tar", f"{stem}.parquet"]


class ParquetSettings(SourceSettings):
    """Parquet with the images' bytes in a column, such as the hub's `image: {bytes, path}`; read in place."""

    deep = True
    kind: Literal["parquet"]
    columns: dict[str, str] = Field(
        {}, description="column of the images table -> its name in the files; image -> the column with the bytes"
    )


class ImagenetSettings(SourceSettings):
    """ILSVRC in any usual form: the tar of class tars, synset folders, the validation tar, WebDataset, Parquet."""

    deep = True
    kind: Literal["imagenet"]
    split: Literal["train", "validation", "test"] | None = Field(
        None, description="split of all images; null: as the file names say"
    )
    truth: Place | None = Field(
        None, description="classes of the validation images: the devkit (.tar.gz or folder), or a list of synsets"
    )


class WhereSettings(Settings):
    """Filters applied before anything is fetched. A row that lacks the value does not pass."""

    aesthetic_min: float | None = Field(None, description="minimum LAION aesthetic score")
    unsafe_max: float | None = Field(None, description="maximum probability of being unsafe")
    watermark_max: float | None = Field(None, description="maximum probability of a watermark")
    similarity_min: float | None = Field(None, description="minimum cosine of image and caption, as LAION states it")
    width_min: int | None = Field(None, description="minimum width in pixels, as the table states it")
    height_min: int | None = Field(None, description="minimum height in pixels, as the table states it")
    languages: tuple[str, ...] | None = Field(None, description="accepted languages of the caption: [en, de]")


class UrlsSettings(SourceSettings):
    """Tables of URLs, fetched by img2dataset into tars of your own: .parquet, .csv, .tsv or .jsonl."""

    kind: Literal["urls"]
    into: Place = Field(description="folder or bucket for fetched images: tars, and a table next to each")
    shard_urls: int = Field(10_000, ge=1, le=1_000_000, description="number of URLs per shard")
    columns: dict[str, str] = Field(
        {}, description="column of the images table -> its name in your tables, if that is unusual"
    )
    where: WhereSettings = WhereSettings()
    resize: int | None = Field(
        None,
        ge=32,
        description="null: bytes as served; N: a shorter side of more than N pixels is reduced to N (JPEG, 95)",
    )
    fetch: FetchSettings = Field({}, validate_default=True)  # so that a missing setting is reported by its own name

    def patterns(self) -> list[str]:
        return [self.uri, f"{self.uri.rstrip('/')}/*"]

    def writes_into(self) -> str:
        return self.into


KINDS = {
    get_args(model.model_fields["kind"].annotation)[0]: model
    for model in (FolderSettings, ShardsSettings, FetchedSettings, ParquetSettings, ImagenetSettings, UrlsSettings)
}


AnySource = Annotated[
    FolderSettings | ShardsSettings | FetchedSettings | ParquetSettings | ImagenetSettings | UrlsSettings,
    Field(discriminator="kind"),
    BeforeValidator(known_kind("source", KINDS)),
]


class DownloadSettings(Settings):
    """The `images` step."""

    sources: tuple[AnySource, ...] = Field(description="one or more")
    shard_rows: int = Field(1000, ge=1, description="images per shard of a folder; each tar is one shard")

    @field_validator("sources")
    @classmethod
    def _named_once(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        if not sources:
            raise ValueError("name at least one source: --set images.sources.0.uri=PATH")
        names = [source.name for source in sources]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two sources are called {twice[0]}; a source's name enters every image_id")
        return sources
