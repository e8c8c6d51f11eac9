"""What an earlier version fetched, before URLs had a normal form: file names and image_ids as it made them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from world.pictures import jpeg
from world.tars import packed

# spellings of one URL, and others: image_ids in a source called `some`
SPELLINGS = {
    "http://host/~u/caf\u00e9/p(1)/ok-1.jpg": "79ffaf52c30c51a0b038b101eb891e95",
    "http://host/%7Eu/caf%C3%A9/p(1)/ok-1.jpg": "de450ea47209761cc31a6bded3a74dc5",
    "http://host/%7eu/caf%c3%a9/p%281%29/ok-1.jpg": "d7370665a3dea3a546b0379cac2694da",
    "http://host/~u/x/../caf\u00e9/./p(1)/ok-1.jpg": "2bd89ece02444ee56329bc099010c630",
    "http://host/~u/x/%2E%2e/caf\u00e9/p(1)/%6fk%2D1.jpg": "98a8fc56d7b8d7c9da96cf68fe13734d",
    "HTTP://h%6Fst:80/~u/cafe\u0301/p%28%31%29/ok-1.jpg#top": "885598765f55e7dce9eea04ff4ffdd9b",
    "\u00a0http://host./~u/caf%C3%A9/p(1)/ok-1.jpg?\n": "1a336b3ada51bf7f83207e39b828ea53",
}
IDS = SPELLINGS | {
    "http://host/~u/caf\u00e9/p(1)%2Fok-2.jpg": "50a1879cfa305315e07150cb4204ce33",
    "http://host/100%/ok-8.jpg": "bdc5f8c03eac869f5ba9899d24c70c75",
    "http://host/a%2525b/ok-9.jpg?x=[1]|2&y=a+b%2B%26": "ff8237d99de10b0e759519fdea9ebc23",
    "http://host/\\a/%E9/ok-10.jpg?": "5f9ad766e333e32a39c210230793aabc",
}
FETCHED_AS = "some-954d87be-d16ab087307e7c74-a6c071"


def write_urls(folder: Path, urls: list[str]) -> None:
    """A table of these URLs in `tables`."""
    (folder / "tables").mkdir(exist_ok=True)
    pq.write_table(pa.table({"URL": pa.array(urls, pa.string())}), folder / "tables" / "a.parquet")


def fetched_earlier(folder: Path) -> None:
    """Leave a table of IDS in `tables`, and in `into` what was fetched of it: a picture each, jpeg(0) and so on."""
    write_urls(folder, list(IDS))
    (folder / "into").mkdir()
    places = [f"{place:09d}" for place in range(len(IDS))]
    images = [jpeg(place) for place in range(len(IDS))]
    (folder / "into" / f"{FETCHED_AS}.tar").write_bytes(packed(zip((f"{one}.jpg" for one in places), images)))
    nothing = pa.nulls(len(IDS), pa.string())
    columns = {"key": places, "url": list(IDS), "status": ["success"] * len(IDS), "error_message": nothing}
    columns |= {"sha256": [hashlib.sha256(image).hexdigest() for image in images]}
    columns |= {"asked_at": ["2026-01-01T00:00:00+00:00"] * len(IDS), "again_in": nothing}
    pq.write_table(pa.table(columns), folder / "into" / f"{FETCHED_AS}.parquet")
