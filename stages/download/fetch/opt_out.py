"""Opt-out: a list of what owners do not want to be used, one entry per line: a URL, or the sha256 of an image's bytes.

Blank lines and lines that start with `#` are skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from stages import images
from stages.download.fetch.targets import url_key

SHA256 = re.compile(r"[0-9a-f]{64}")
IMAGE_ID = re.compile(r"[0-9a-f]{32}")
URL = re.compile(r"https?://\S.*", re.IGNORECASE)


@dataclass(frozen=True)
class OptOut:
    """Keys of URLs (targets.url_key), and hex digits in lower case."""

    urls: frozenset[str] = frozenset()
    sha256: frozenset[str] = frozenset()
    image_ids: frozenset[str] = frozenset()


def entries(path: str, *, with_image_ids: bool = False) -> OptOut:
    """Read the list at `path`, on a disk or in a bucket.

    `with_image_ids`: 32 hex digits name an image of a run. Raises Refused for a file that cannot be read and
    for a line that is none of these; Unreachable if a store failed.
    """
    found: dict[str, set[str]] = {"urls": set(), "sha256": set(), "image_ids": set()}
    for number, line in enumerate(_text(path).splitlines(), 1):
        entry = line.strip()
        if entry and not entry.startswith("#"):
            kind, value = _read(entry, with_image_ids, f"{path}, line {number}")
            found[kind].add(value)
    return OptOut(**{kind: frozenset(values) for kind, values in found.items()})


def _read(entry: str, with_image_ids: bool, where: str) -> tuple[str, str]:
    if URL.fullmatch(entry):
        return "urls", url_key(entry)
    if SHA256.fullmatch(entry.lower()):
        return "sha256", entry.lower()
    if with_image_ids and IMAGE_ID.fullmatch(entry.lower()):
        return "image_ids", entry.lower()
    known = "a URL, a sha256 (64 hex digits)" + (" or an image_id (32)" if with_image_ids else "")
    raise Refused(f"{where}: {entry[:80]!r} is none of these: {known}; correct the line, or put # before it")


def _text(path: str) -> str:
    try:
        with images.opened(path) as file:
            return file.read().decode("utf-8-sig")
    except Unreachable:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"the opt-out list {path} cannot be read: {error}") from error
