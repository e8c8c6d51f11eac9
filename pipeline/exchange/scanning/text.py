"""Text: whether a file is one, of whatever encoding."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

# of C0, text in any 8-bit encoding has these alone; a few hundred bytes of anything else have others too
CONTROL = bytes({*range(7), *range(14, 27), *range(28, 32)})
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class NoText(Exception):
    """Bytes that are no text."""


def text_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a text as they are; UTF-16 with its mark as UTF-8.

    Raises NoText at the first bytes that are none: neither UTF-8 without zeros, nor without control characters.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    wide, utf8, plain = None, True, True
    for number, chunk in enumerate(chunks):
        if number == 0 and chunk.startswith(WIDE):
            wide = codecs.getincrementaldecoder("utf-16")()
        if wide is not None:
            yield _narrow(wide, chunk)
            continue
        utf8 = utf8 and b"\0" not in chunk and _decodes(decoder, chunk)
        plain = plain and len(chunk.translate(None, CONTROL)) == len(chunk)
        if not utf8 and not plain:
            raise NoText
        yield chunk


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _narrow(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bytes:
    try:
        return decoder.decode(chunk).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise NoText from error
