"""Into: the folder that takes what is fetched."""

from __future__ import annotations

from manifests.storage import Folder
from stages.download.listing import absolute
from stages.download.settings import UrlsSettings


def into_of(source: UrlsSettings) -> Folder:
    """Where the tars of a source lie, the same from any working folder."""
    return Folder(absolute(source.into))
