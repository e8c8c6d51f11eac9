"""Puts: write whole files to a store, which shows a file once all of it has arrived, or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from manifests.stores.faults import code_of
from manifests.stores.patience import patiently
from manifests.stores.places import AMAZON, place

TAKEN = ("PreconditionFailed", "412")  # a store's codes if a file to be created exists


def put(url: str, data: bytes) -> None:
    """Write `data` to `url`, replacing what was there. Raises an OSError as faults.os_error does."""
    fs, path = place(url)
    patiently(lambda: fs.pipe_file(path, data), url)


def put_file(url: str, local: Path) -> None:
    """Upload a local file to `url`: in one put, or above 100 MiB in parts that appear together. Raises as `put`."""
    fs, path = place(url)
    patiently(lambda: fs.put_file(str(local), path), url)


def create(url: str, data: bytes) -> bool:
    """Write `data` to `url`; return False if a file exists there. Raises as `put`.

    In S3 and in Google's store this is one conditional put: of concurrent calls exactly one gets True. Other
    file systems check first and then write.
    """
    fs, path = place(url)
    mark = {"writer": uuid.uuid4().hex}
    marked = {"Metadata": mark} if url.startswith(AMAZON) else {}
    try:
        patiently(lambda: fs.pipe_file(path, data, mode="create", **marked), url)
    except OSError as error:
        if isinstance(error, FileExistsError) or code_of(error) in TAKEN:
            return bool(marked) and _is_marked(fs, url, path, mark)
        raise
    return True


def _is_marked(fs: Any, url: str, path: str, mark: dict[str, str]) -> bool:
    """Return whether the file there is ours: if the answer to a put is lost, the library's next try finds the file."""
    try:
        return bool(patiently(lambda: fs.metadata(path, refresh=True), url) == mark)
    except FileNotFoundError:
        return False
