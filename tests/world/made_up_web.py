"""A made-up web for tests of what happens around fetching: each URL says itself what becomes of it.

`http://a/ok-3.jpg` gives the picture 3, `http://a/timeout-5.jpg` ends as `timeout`. No process, no network;
the fetch engine itself is tested against a real server.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from world.pictures import jpeg
from world.tars import packed

from stages.download.fetch.opt_out import entries
from stages.download.fetch.outcomes import OPTED_OUT
from stages.download.fetch.settings import FetchSettings
from stages.download.fetch.targets import url_key

ASKED_AT = "2026-01-01T00:00:00+00:00"


@dataclass
class MadeUpWeb:
    """Answers as `fetch.fetching.fetched` does, and remembers what it was asked."""

    asked: list[str] = field(default_factory=list)
    mended: bool = False  # whether what timed out comes by now
    asked_at: str = ASKED_AT

    def fetched(
        self,
        urls: Sequence[str],
        settings: FetchSettings,
        resize: int | None,
        scratch: Path,
        journal: Path,
        min_fetched: float,
        unwanted: Collection[str] = (),
    ) -> pa.Table:
        rows, members = [], []
        opt_out = entries(settings.opt_out, with_image_ids=True) if settings.opt_out else None
        for place, url in enumerate(urls):
            name = unquote(urlsplit(url.strip()).path).rpartition("/")[2]
            word, number = name.removesuffix(".jpg").split("-")
            data = jpeg(int(number)) if word == "ok" or (self.mended and word == "timeout") else None
            digest = sha256(data).hexdigest() if data else None
            if url in unwanted or (opt_out and (url_key(url) in opt_out.urls or digest in opt_out.sha256)):
                word, data = OPTED_OUT, None
            elif data is not None:
                members.append((f"{place:09d}.jpg", data))
            self.asked.append(url)
            digest = sha256(data).hexdigest() if data else None
            status, error = ("ok", None) if data else (word, f"a made-up {word}")
            rows.append((f"{place:09d}", status, error, digest, self.asked_at))
        (scratch / "images.tar").write_bytes(packed(members))
        names = ("key", "status", "error", "sha256", "asked_at")
        return pa.table({name: [row[at] for row in rows] for at, name in enumerate(names)})
