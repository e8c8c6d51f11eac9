"""Puts: whole files into a store. A store shows a file when all of it has come, or not at all."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from manifests.stores.faults import code_of
from manifests.stores.patience import patiently
from manifests.stores.places import AMAZON, place

TAKEN = ("PreconditionFailed", "412")  # a store's words where a file to be created is there


def put(url: str, data: bytes) -> None:
    """`data` at `url`, in the place of what was there. Raises an OSError as faults.os_error says."""
    fs, path = place(url)
    patiently(lambda: fs.pipe_file(path, data), url)


def put_file(url: str, local: Path) -> None:
    """A file of this disk at `url`: one put, or of more than 100 MiB in parts that appear together. Raises as `put`."""
    fs, path = place(url)
    patiently(lambda: fs.put_file(str(local), path), url)


def create(url: str, data: bytes) -> bool:
    """Put `data` unless a file is at `url`; False where one is. Raises as `put`.

    In S3 and in Google's store it is one conditional put: of many at once one gets True. Other file
    systems look first and write then.
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
    """Whether the file there is ours: the answer to a put may be lost, and the library's next try finds it done."""
    try:
        return bool(patiently(lambda: fs.metadata(path, refresh=True), url) == mark)
    except FileNotFoundError:
        return False
