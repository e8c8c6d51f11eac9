"""Clean sources of every form, small, for tests that plant one fault in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from world.fetches import fetched, write_fetched
from world.pictures import jpeg
from world.tars import packed

Members = list[tuple[str, bytes]]


def entries(first: int, count: int = 4) -> Members:
    """Images with captions and fields, as WebDataset wants them; no two starts share an image."""
    keys = [(f"{number:05d}", number) for number in range(first, first + count)]
    return [
        (f"{key}.{ending}", data)
        for key, number in keys
        for ending, data in (
            ("jpg", jpeg(number)),
            ("txt", f"picture {number}".encode()),
            ("json", json.dumps({"place": number}).encode()),
        )
    ]


def tars(folder: Path) -> Path:
    """Two WebDataset tars."""
    folder.mkdir(parents=True)
    for shard in (0, 1):
        (folder / f"{shard:05d}.tar").write_bytes(packed(entries(shard * 10)))
    return folder


def urls(first: int, good: int = 3, bad: int = 1) -> list[tuple[dict[str, Any], bytes | None]]:
    """What img2dataset knows of some URLs, of which the last ones failed."""
    data = [jpeg(number) if number < first + good else None for number in range(first, first + good + bad)]
    return [(fetched(first + place, one), one) for place, one in enumerate(data)]


def fetched_folder(folder: Path) -> Path:
    """Two shards that img2dataset finished."""
    for shard in (0, 1):
        write_fetched(folder, urls(shard * 10), f"{shard:05d}")
    return folder


def photos(folder: Path) -> Path:
    """Image files, some of them in a folder below, and a file of another kind."""
    (folder / "below").mkdir(parents=True)
    for number in range(4):
        (folder / ("below" if number % 2 else "") / f"{number}.JPG").write_bytes(jpeg(number))
    (folder / "readme.md").write_text("photos")
    return folder


def hub(folder: Path, images: list[bytes | None] | None = None) -> Path:
    """A Parquet file with images' bytes as on the hub, in row groups of two."""
    folder.mkdir(parents=True)
    images = [jpeg(number) for number in range(5)] if images is None else images
    rows = [{"image": {"bytes": data, "path": f"{place}.jpg"}, "label": place} for place, data in enumerate(images)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.Table.from_pylist(rows, schema=pa.schema([("image", kind), ("label", pa.int64())]))
    pq.write_table(table, folder / "train-00000-of-00001.parquet", row_group_size=2)
    return folder


CLEAN = {"tars": tars, "img2dataset": fetched_folder, "folder": photos, "parquet": hub}
