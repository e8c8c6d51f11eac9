"""Files: the bytes of a file of replies, its text, and JSON lines in it. Whatever does not read is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from manifests.errors import Refused
from manifests.parsing import parse_json
from manifests.stores.faults import Unreachable
from stages import images
from stages.evaluate.imports.reply import clipped
from stages.text import size_text

MOST_BYTES = 1 << 30  # the whole file is held in memory


def bytes_of(uri: str) -> bytes:
    """Read the whole file.

    Raises Refused if it cannot be read or has more than MOST_BYTES, Unreachable if a store failed.
    """
    try:
        with images.opened(uri, ahead=True) as file:
            if (size := file.seek(0, 2)) > MOST_BYTES:
                raise _too_large(uri, size)
            file.seek(0)
            data = file.read(MOST_BYTES + 1)  # a device or a pipe does not say its size
    except OSError as error:
        if isinstance(error, Unreachable) or error.errno in images.OF_THE_MACHINE:
            raise
        why = " ".join(str(error.strerror or error).split())
        raise Refused(f"{uri} cannot be read: {why}; name the file that the program wrote") from error
    if len(data) > MOST_BYTES:
        raise _too_large(uri, len(data))
    return data


def _too_large(uri: str, size: int) -> Refused:
    return Refused(
        f"{uri} has {size_text(size)}, more than {size_text(MOST_BYTES)}; it is not a file of replies: "
        "name the one that the program wrote"
    )


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def text_in(data: bytes, uri: str) -> str:
    """Return the text. Raises Refused, naming the line, if it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused(f"line {line} of {uri} is not UTF-8 text; give the file as the program wrote it") from error


def objects_in(data: bytes, uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, object) of each line that is not empty. Raises Refused for a line that is not a JSON object.

    Lines end at line feeds alone: these programs write other line separators unchanged inside their texts.
    """
    for number, line in enumerate(text_in(data, uri).split("\n"), 1):
        if line.strip():
            where = f"line {number} of {uri}"
            value = json_of(line, where)
            if not isinstance(value, dict):
                raise Refused(f"{where} is {clipped(value)} and not a JSON object; name a file of JSON lines")
            yield where, value


def json_of(text: str, where: str) -> Any:
    """Parse a JSON text. Raises Refused if it does not read, as when the program was stopped while it wrote."""
    try:
        return parse_json(text)
    except ValueError as error:
        raise Refused(
            f"{where} cannot be read as JSON ({error}); the file is cut off or of another kind: name a file that the "
            "program finished writing"
        ) from error
