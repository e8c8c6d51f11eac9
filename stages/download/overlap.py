"""Overlap: whether a source would read what a run writes, or write where the run writes, judged by names alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from braceexpand import braceexpand
from fsspec.utils import glob_translate

from manifests.stores.places import lies_in, place
from stages.download.settings import SourceSettings, UrlsSettings

BRACES, MARKS = re.compile(r"\{[^{}]*\}"), re.compile(r"[*?[{]")
DEEP = ("folder", "parquet", "imagenet")  # kinds whose uri may be a folder that is read recursively


def would_read(source: SourceSettings, folder: str, files: Sequence[str]) -> bool:
    """Return whether `source` would read a file anywhere below `folder`, or one of `files` in it.

    A folder of images or of Parquet is read recursively. Of tars and tables, only those that the uri names are
    read, and for img2dataset also the tables beside them: these may be located above a run, or beside it.
    """
    if source.kind in DEEP and lies_in(folder, source.uri):
        return True
    return any(_names(pattern, f"{folder.rstrip('/')}/{file}") for pattern in _patterns(source) for file in files)


def would_write(source: SourceSettings, folder: str) -> bool:
    """Return whether what `source` fetches would be stored somewhere in `folder`."""
    return isinstance(source, UrlsSettings) and lies_in(source.into, folder)


def _patterns(source: SourceSettings) -> list[str]:
    """Return patterns of the files that a source reads, besides those below a folder."""
    if source.kind == "folder":
        return []
    if source.kind == "img2dataset":
        stem = source.uri.removesuffix(".tar") if MARKS.search(source.uri) else f"{source.uri.rstrip('/')}/*"
        return [f"{stem}.tar", f"{stem}.parquet"]
    return [source.uri, f"{source.uri.rstrip('/')}/*"] if source.kind == "urls" else [source.uri]


def _names(pattern: str, file: str) -> bool:
    wider = pattern
    while (without := BRACES.sub("*", wider)) != wider:
        wider = without
    if not _matches(wider, file):  # braces may expand to a million names, which is rarely necessary
        return False
    try:
        return any(_matches(one, file) for one in braceexpand(pattern))
    except ValueError:
        return False  # the braces do not parse: listing the source refuses it


def _matches(pattern: str, file: str) -> bool:
    (here, of_pattern), (there, path) = place(pattern), place(file)
    return here.protocol == there.protocol and re.match(glob_translate(of_pattern), path) is not None
