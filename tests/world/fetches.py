"""Shards as img2dataset leaves them, column by column and key by key, without running it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from world.tars import packed

# LAION's columns and those that img2dataset adds
WORDS = ("url", "caption", "LICENSE", "key", "status", "error_message", "exif", "sha256")
NUMBERS = ("similarity", "punsafe", "pwatermark", "AESTHETIC_SCORE")
PIXELS = ("width", "height", "original_width", "original_height")
COLUMNS = {
    **dict.fromkeys(WORDS, pa.string()),
    **dict.fromkeys(NUMBERS, pa.float64()),
    **dict.fromkeys(PIXELS, pa.int32()),
}
FAILED = {"status": "failed_to_download", "error_message": "HTTP Error 404: Not Found"}


def fetched(number: int, data: bytes | None, **changes: Any) -> dict[str, Any]:
    """What img2dataset knows of the URL at this place of its list; `data` is None where it failed."""
    facts: dict[str, Any] = dict.fromkeys(COLUMNS)
    facts |= {"url": f"http://localhost/{number}.jpg", "caption": f"picture {number}", "AESTHETIC_SCORE": 5.0}
    facts |= {"key": f"{number:09d}", **(FAILED if data is None else {"status": "success"})}
    facts |= {} if data is None else {"width": 24, "height": 16, "sha256": hashlib.sha256(data).hexdigest()}
    return facts | changes


def write_fetched(folder: Path, urls: Sequence[tuple[dict[str, Any], bytes | None]], name: str = "00000") -> Path:
    """A tar, its table and its stats; the path of the tar."""
    folder.mkdir(parents=True, exist_ok=True)
    members = [
        (f"{facts['key']}.{ending}", content)
        for facts, data in urls
        if data is not None
        for ending, content in (
            ("jpg", data),
            ("json", json.dumps(facts, indent=4).encode()),
            ("txt", str(facts["caption"] or "").encode()),
        )
    ]
    (folder / f"{name}.tar").write_bytes(packed(members))
    table = pa.Table.from_pylist([facts for facts, _ in urls], schema=pa.schema(COLUMNS))
    pq.write_table(table, folder / f"{name}.parquet")
    successes = sum(data is not None for _, data in urls)
    stats = {"count": len(urls), "successes": successes, "failed_to_download": len(urls) - successes}
    (folder / f"{name}_stats.json").write_text(json.dumps(stats))
    return folder / f"{name}.tar"
