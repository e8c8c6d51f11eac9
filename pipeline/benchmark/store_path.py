"""Store path: where the authors' store of a run is located."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from manifests.manifest import json_bytes, parsed
from manifests.storage import Folder
from stages.author.store import NAME

ELSEWHERE = "_author.json"  # in a run's folder: where its store is, if it is elsewhere


def store_path(run: Folder, store: Path | None = None) -> Path:
    """Return where the authors' store of a run is: the given path, the one recorded before, or in the run's folder.

    Raises Refused for a run in a bucket if no path was ever given, and if the path recorded before is not there.
    """
    if store is not None:
        return store.absolute()
    if run.has(ELSEWHERE):
        return parsed(run, ELSEWHERE, lambda value: _there(run, value))
    if (folder := run.local) is None:
        raise Refused(
            f"{run.url} is in a bucket, and what people write needs a local disk: name a file for it with --store"
        )
    return folder / NAME


def known_store(run: Folder, store: Path | None = None) -> Path | None:
    """Return `store_path` for reading; None if nobody has written, or if no path is known for a run in a bucket.

    Raises Refused for a file that is named and is not there.
    """
    if store is not None and not store.exists():
        raise Refused(f"--store {store} does not exist; name the file in which people wrote about {run.url}")
    if store is None and run.local is None and not run.has(ELSEWHERE):
        return None
    path = store_path(run, store)
    return path if path.exists() else None


def note_store(run: Folder, store: Path) -> None:
    """Record the store's path in the run, if the store is not in the run's folder: `forget` must find it."""
    if run.local is not None and store == run.local.absolute() / NAME:
        run.forget(ELSEWHERE)
        return
    told = json_bytes({"store": str(store), "host": socket.gethostname()})
    if not run.has(ELSEWHERE) or run.read(ELSEWHERE) != told:
        run.write(ELSEWHERE, told)


def _there(run: Folder, value: Any) -> Path:
    path = Path(value["store"])
    if not path.exists():
        raise Refused(
            f"what people wrote about {run.url} is in {path} on {value['host']}, which is not here: name it with "
            f"--store, or remove {run.url}/{ELSEWHERE} if it is no more"
        )
    return path
