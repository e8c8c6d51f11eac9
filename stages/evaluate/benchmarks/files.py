"""Files: read what was downloaded, from a disk or a bucket; what cannot be read is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from manifests.errors import Refused
from manifests.parsing import parse_json
from manifests.stores.faults import Unreachable
from stages import images

BLOCK = 1 << 20  # bytes hashed at once


def sha256_of(uri: str) -> str:
    """Return the hex sha256 of a file's bytes. Raises OSError if it cannot be read."""
    digest = hashlib.sha256()
    with images.opened(uri, ahead=True) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def json_values(uri: str) -> Iterator[tuple[int, Any]]:
    """Yield (number from 1, value) of a JSON list, or of lines that hold one each. Raises Refused if any is damaged."""
    text = _text(uri)
    if text.lstrip().startswith("["):
        try:
            yield from enumerate(parse_json(text), 1)
        except ValueError as error:
            raise Refused(f"{uri} cannot be read as JSON ({error}); download it again") from error
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, parse_json(line)
            except ValueError as error:
                raise Refused(f"line {number} of {uri} cannot be read as JSON ({error}); download it again") from error


@contextmanager
def refused_if_unreadable(uri: str, kind: str) -> Iterator[None]:
    """Turn errors about a file into a refusal; failures of a store or of the machine are passed on."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        is_the_machines = isinstance(error, (Unreachable, MemoryError))
        if is_the_machines or getattr(error, "errno", None) in images.OF_THE_MACHINE:
            raise
        why = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise Refused(f"{uri} cannot be read as {kind}: {why}; download it again") from error


def _text(uri: str) -> str:
    with refused_if_unreadable(uri, "JSON"), images.opened(uri, ahead=True) as file:
        return file.read().decode("utf-8-sig")
