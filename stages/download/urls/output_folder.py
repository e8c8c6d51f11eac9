"""Output folder: the folder that takes what is fetched, and what lies there by its name.

SOURCE-REQUEST-LIST-DRAWN.tar, with its .parquet: the source's name, a hash of what decides which URLs are asked for
and how their images are kept, a hash of the URLs, and six digits drawn anew for each fetching.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Sequence

from manifests.errors import Refused
from manifests.storage import Folder
from manifests.stores.places import absolute
from stages.download.settings import UrlsSettings
from stages.download.urls.fetched_table import TABLE


def into_of(source: UrlsSettings) -> Folder:
    """Where the tars of a source lie, the same from any working folder."""
    return Folder(absolute(source.into))


def check_takes_files(into: Folder) -> None:
    """Raise Refused where nothing can be put into `into`. A folder that is not there is not made."""
    if into.local is None:
        into.check_writable()
        return
    there = next(path for path in (into.local, *into.local.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise Refused(f"{into.url} cannot be written ({there} takes no file); choose another `into`")


def request_of(source: UrlsSettings) -> str:
    """8 hex digits of what decides what is asked for: two requests share nothing in `into`."""
    text = source.model_dump_json(include={"columns", "where", "resize", "shard_urls"})
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def stem_of(source: UrlsSettings, urls: Sequence[str], listed: str = "") -> str:
    """What all fetchings of these URLs are called; `listed`: the list by which they are asked for again."""
    text = listed or "\n".join(urls)
    return f"{source.name}-{request_of(source)}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def new_fetching(stem: str) -> str:
    """The name of a new fetching, without its ending."""
    return f"{stem}-{secrets.token_hex(3)}"


def fetchings_of(into: Folder, stem: str) -> list[str]:
    """The names of the tables of a list, the one that counts first."""
    return _named(into, re.escape(stem))


def tables_of(source: UrlsSettings) -> list[str]:
    """The names of the tables of a request."""
    return _named(into_of(source), f"{re.escape(source.name)}-{request_of(source)}-[0-9a-f]{{16}}")


def tables_of_all(into: Folder, source: str) -> list[str]:
    """The names of the tables of a source, whatever was asked for."""
    return _named(into, re.escape(source) + r"-[0-9a-f]{8}-[0-9a-f]{16}")


def _named(into: Folder, stem: str) -> list[str]:
    form = re.compile(stem + r"-[0-9a-f]{6}" + re.escape(TABLE))
    return sorted(name for name in into.sizes() if form.fullmatch(name))
