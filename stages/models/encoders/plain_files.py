"""Plain files: which files of a checkpoint's folder may be opened.

The folder may come from an untrusted source. Reading a pipe would block forever, and a link or a name with `..` would
lead to files that nobody meant to read. So only files that are, after following every link, regular files inside the
folder are opened.
"""

from __future__ import annotations

import reprlib
import stat
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from manifests.parsing import parse_json

LARGEST_JSON = 16 << 20  # bytes; an index of 90,000 tensors has 9 MB, a configuration with 21,843 labels 2 MB


def is_plain(path: Path) -> bool:
    """Whether the path is a regular file, or a link to one; False for a name that no file can have."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def check_inside(path: Path, folder: Path) -> None:
    """Raise Refused unless the file is inside the checkpoint's folder after following every link."""
    if not path.resolve().is_relative_to(_boundary(folder)):
        raise Refused(
            f"{path} leads to {path.resolve()}, outside the checkpoint's folder, and is not opened; "
            "copy that file into the folder"
        )


def json_of(path: Path, absent: str) -> dict[str, Any]:
    """Read a JSON object. Raises Refused, with the message `absent` if there is no such file."""
    if not is_plain(path):
        raise Refused(absent)
    if path.stat().st_size > LARGEST_JSON:
        raise Refused(f"{path} is larger than {LARGEST_JSON >> 20} MiB; it does not describe a checkpoint")
    try:
        value = parse_json(path.read_bytes())
    except ValueError as error:
        raise Refused(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused(f"{path} is not a JSON object; it does not describe a checkpoint")
    return value


def shown(value: object) -> str:
    """Return any value from such a file, shortened and escaped for one line of a refusal."""
    short = reprlib.Repr()  # unlike a plain repr it also handles deeply nested values
    short.maxstring, short.maxother = 300, 100
    return short.repr(value)


def plain(text: str) -> str:
    """Return a name from such a file, shortened and escaped in the same way, without quotes."""
    return shown(text)[1:-1]


def _boundary(folder: Path) -> Path:
    """Return the folder that must contain the files; in a hub's cache, the repository: snapshots link to its blobs."""
    snapshot = folder.resolve()
    repository = snapshot.parent.parent
    cached = snapshot.parent.name == "snapshots" and repository.name.startswith("models--")
    return repository if cached else snapshot
