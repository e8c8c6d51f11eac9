"""Output folder: the folder where fetched files are stored, and the names of its files.

SOURCE-REQUEST-LIST-DRAWN.tar, with its .parquet: the source's name, a hash of what decides which URLs are requested
and how their images are kept, a hash of the URLs, and six digits drawn at random for each fetching.
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
from stages.download.settings import UrlsSettings, as_in_version_2
from stages.download.urls.fetched_table import TABLE


def into_of(source: UrlsSettings) -> Folder:
    """Return where the tars of a source are stored, the same from any working folder."""
    return Folder(absolute(source.into))


def check_takes_files(into: Folder) -> None:
    """Check that files can be written into `into`. Raises Refused if not. A missing folder is not created."""
    if into.local is None:
        into.check_writable()
        return
    there = next(path for path in (into.local, *into.local.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise Refused(f"{into.url} cannot be written ({there} takes no file); choose another `into`")


def request_of(source: UrlsSettings) -> str:
    """Return 8 hex digits of what decides what is requested: two different requests share nothing in `into`."""
    named = as_in_version_2(source.columns)  # what earlier versions fetched is found again
    text = source.model_copy(update={"columns": named}).model_dump_json(
        include={"columns", "where", "resize", "shard_urls"}
    )
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def stem_of(source: UrlsSettings, urls: Sequence[str], listed: str = "") -> str:
    """Return the name that all fetchings of these URLs share; `listed`: the list that requests them again."""
    text = listed or "\n".join(urls)
    return f"{source.name}-{request_of(source)}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def new_fetching(stem: str) -> str:
    """Return the name of a new fetching, without its ending."""
    return f"{stem}-{secrets.token_hex(3)}"


def fetchings_of(into: Folder, stem: str) -> list[str]:
    """Return the names of the tables of a list; the first is the one that counts."""
    return _named(into, re.escape(stem))


def tables_of(source: UrlsSettings) -> list[str]:
    """Return the names of the tables of a request."""
    return _named(into_of(source), f"{re.escape(source.name)}-{request_of(source)}-[0-9a-f]{{16}}")


def tables_of_all(into: Folder, source: str) -> list[str]:
    """Return the names of the tables of a source, whatever was requested."""
    return _named(into, re.escape(source) + r"-[0-9a-f]{8}-[0-9a-f]{16}")


def _named(into: Folder, stem: str) -> list[str]:
    form = re.compile(stem + r"-[0-9a-f]{6}" + re.escape(TABLE))
    return sorted(name for name in into.sizes() if form.fullmatch(name))
