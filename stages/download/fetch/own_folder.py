"""Own folder: a folder under TMPDIR that no other user can have filled."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from manifests.errors import Refused


def own_folder(name: str) -> Path:
    """Return this user's folder of that name. Raises Refused if somebody else made it."""
    folder = Path(tempfile.gettempdir()) / f"blindpairs-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or not folder.is_dir() or folder.lstat().st_uid != os.geteuid():
        raise Refused(f"{folder} belongs to somebody else; remove it, or set TMPDIR to a folder of your own")
    return folder
