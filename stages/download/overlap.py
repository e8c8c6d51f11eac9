"""Overlap: whether a source would read what a run writes, or write where the run writes, judged by names alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from braceexpand import braceexpand
from fsspec.utils import glob_translate

from manifests.stores.places import lies_in, place
from stages.download.settings import SourceSettings

BRACES = re.compile(r"\{[^{}]*\}")


def would_read(source: SourceSettings, folder: str, files: Sequence[str]) -> bool:
    """Return whether `source` would read a file anywhere below `folder`, or one of `files` in it.

    A folder of images or of Parquet is read recursively. Of tars and tables, only those that the uri names are
    read, and for img2dataset also the tables beside them: these may be located above a run, or beside it.
    """
    if source.deep and lies_in(folder, source.uri):
        return True
    return any(_names(pattern, f"{folder.rstrip('/')}/{file}") for pattern in source.patterns() for file in files)


def would_write(source: SourceSettings, folder: str) -> bool:
    """Return whether what `source` fetches would be stored somewhere in `folder`."""
    into = source.writes_into()
    return into is not None and lies_in(into, folder)


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
