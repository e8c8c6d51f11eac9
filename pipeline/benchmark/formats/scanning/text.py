"""Text: whether a file is text, in any encoding."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

# C0 characters that text in an 8-bit encoding does not have; a few hundred bytes of anything else have some
CONTROL = bytes({*range(7), *range(14, 27), *range(28, 32)})
WIDE = {  # byte order mark -> encoding; UTF-16's mark is the beginning of UTF-32's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class NoText(Exception):
    """Bytes that are not text."""


def text_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks of a text unchanged, but UTF-16 and UTF-32 with byte order marks as UTF-8.

    Raises NoText at the first bytes that are not text: neither UTF-8 without zeros, nor without control characters.
    """
    stream = iter(chunks)
    first = next(stream, b"")
    known = next((name for mark, name in WIDE.items() if first.startswith(mark)), None)
    whole = chain([first], stream)
    return _checked(_narrowed(whole, known) if known else whole)


def _checked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    decoder, utf8, plain = codecs.getincrementaldecoder("utf-8")(), True, True
    for chunk in chunks:
        utf8 = utf8 and b"\0" not in chunk and _decodes(decoder, chunk)
        plain = plain and len(chunk.translate(None, CONTROL)) == len(chunk)
        if not utf8 and not plain:
            raise NoText
        yield chunk


def _narrowed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in chunks:
        try:
            yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise NoText from error


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True
