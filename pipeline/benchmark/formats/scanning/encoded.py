"""Encoded: files inside a text, as base64 or hexadecimal digits, wherever they are in it.

TSV, CSV, JSON, HTML and notebooks are not parsed: a long run of base64's letters is a file if its first bytes are those
of a known kind. So cells with lists of images, data URIs and a text that is base64 as a whole are all found.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pipeline.benchmark.formats.scanning.kinds import kind_of
from pipeline.benchmark.formats.scanning.printed import LONGEST, first_printed
from stages import images

SHORTEST = 60  # letters of a run: 45 bytes
HEAD, WHOLE = 512, 4  # letters that distinguish a run from words, and letters that make up complete bytes
MOST = 2 * images.MAX_BYTES  # letters: as many as the largest image has in hexadecimal digits
# letters per line if tools break a run into lines; each line longer than that is a run of its own
NARROWEST, WIDEST = 40, 128
# what JSON, JSON inside JSON and URLs may contain in place of the letters "/" and "+"
BACKSLASHED = {
    rb"\/": b"/",
    rb"\u002f": b"/",
    rb"\u002F": b"/",
    rb"\u002b": b"+",
    rb"\u002B": b"+",
    rb"\x2f": b"/",
    rb"\x2F": b"/",
    rb"\x2b": b"+",
    rb"\x2B": b"+",
}
ESCAPED = {
    b"\\": {b"\\" + escape: letter for escape, letter in BACKSLASHED.items()} | BACKSLASHED,
    b"&#": {b"&#x2f;": b"/", b"&#x2F;": b"/", b"&#47;": b"/", b"&#x2b;": b"+", b"&#x2B;": b"+", b"&#43;": b"+"},
    b"%2": {b"%2f": b"/", b"%2F": b"/", b"%2b": b"+", b"%2B": b"+"},
}
LONGEST_ESCAPE = 7
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
LINE, BREAK = re.compile(rb"[A-Za-z0-9+/_-]+"), re.compile(rb"\r?\n|(?:\\r)?\\n")
# to find where a run begins: twenty times as fast as a regular expression
ALIKE, LONG = bytes(LETTERS[0] if byte in LETTERS else 0 for byte in range(256)), LETTERS[:1] * NARROWEST
HEX = re.compile(rb"(?:0[xX])?((?:[0-9a-fA-F]{2})+)")
AGAIN = "make the table again"

Decode = Callable[[bytes], bytes]


class BadFile(ValueError):
    """A file in a text, in the line `line`, that cannot be read; `sentence` says why, and what to do."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(line, sentence)
        self.line, self.sentence = line, sentence


def files_in_text(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the line (from 1) and the bytes of each file in a text, in order; one file is in memory at once.

    Raises BadFile if a file does not decode, is longer than any image, or is written in a way that is not supported.
    """
    text, waiting = _Text(), list[bytes]()
    for chunk in chunks:
        waiting.append(chunk)
        if sum(map(len, waiting)) >= len(text.rest):  # a long run is examined again no more often than it doubles
            yield from text.read(b"".join(waiting), last=False)
            waiting = []
    yield from text.read(b"".join(waiting), last=True)


@dataclass
class _Text:
    """The part of a text that was read but must be examined again, and the line in which it begins."""

    rest: bytes = b""
    line: int = 1

    def read(self, block: bytes, *, last: bool) -> Iterator[tuple[int, bytes]]:
        """Yield the files in the kept text and this block; for the last block, also those that end with it."""
        text, looked_at = _unescaped(self.rest + block), 0
        if printed := first_printed(text):
            place, says = printed
            raise BadFile(self._line_at(text, place), f"holds {says}, which is not read: make the table with base64")
        for start, looked_at, decode in _runs(text):
            if not last and looked_at >= len(text) - LONGEST_ESCAPE:  # it may continue
                is_over = decode is None and looked_at - start >= HEAD
                return self._drop(text, start, looked_at) if is_over else self._keep(text, start)
            if decode and looked_at - start >= SHORTEST:
                yield self._line_at(text, start), self._decoded(text, start, looked_at, decode)
        return self._keep(text, max(looked_at, len(text) - LONGEST))

    def _decoded(self, text: bytes, start: int, end: int, decode: Decode) -> bytes:
        try:
            return decode(text[start:end])
        except ValueError as error:
            sentence = f"begins a file that does not decode ({error}): {AGAIN}"
            raise BadFile(self._line_at(text, start), sentence) from error

    def _keep(self, text: bytes, start: int) -> None:
        if len(text) - start > MOST:
            raise BadFile(self._line_at(text, start), f"begins a file that is larger than any image: {AGAIN}")
        self.line, self.rest = self._line_at(text, start), text[start:]

    def _drop(self, text: bytes, start: int, end: int) -> None:
        """Keep only the first letters of a run that is not a file, enough to skip the rest; what follows it is kept."""
        self.line, self.rest = self._line_at(text, end), text[start : start + HEAD] + text[end:]

    def _line_at(self, text: bytes, place: int) -> int:
        return self.line + text.count(b"\n", 0, place)


def _unescaped(text: bytes) -> bytes:
    for begin, letters in ESCAPED.items():
        for escape, letter in letters.items() if begin in text else ():
            text = text.replace(escape, letter)
    return text


def _runs(text: bytes) -> Iterator[tuple[int, int, Decode | None]]:
    """Yield where each run of letters begins and ends, and its decoder; None for a run that is not a file."""
    alike, at = text.translate(ALIKE), 0
    while (at := alike.find(LONG, at)) >= 0:
        # a run may follow an escape, whose letter is not part of it, as in "\\n/9j/"
        at += text[at - 1 : at] == b"\\" and text[at : at + 1] in b"bfnrtx"
        line = LINE.match(text, at)
        assert line is not None  # there are letters
        shift, decode = _decoder(line[0])
        at, end = at + shift, line.end()
        if decode and NARROWEST <= end - at <= WIDEST:
            end = _end_of_lines(text, end, end - at)
        yield at, end, decode
        at = end


def _end_of_lines(text: bytes, end: int, width: int) -> int:
    """Return where a run ends whose first line ends at `end`: after the last line of its width, or a shorter one."""
    while (gap := BREAK.match(text, end)) and (line := LINE.match(text, gap.end())):
        length = line.end() - line.start()
        if length > width:
            break
        end = line.end()
        if length < width:
            break
    return end


def _decoder(line: bytes) -> tuple[int, Decode | None]:
    """Return where in a line a file begins, and its decoder; None if there is no file of a known kind.

    The end of an escape before a run, such as u0022 or 2C, looks like the run's first letters.
    """
    for shift in range(1 + min(LONGEST_ESCAPE, max(0, len(line) - NARROWEST))):
        head = line[shift : shift + min(HEAD, (len(line) - shift) // WHOLE * WHOLE)]
        for decode in (_of_hex, _of_base64):
            with suppress(ValueError):
                if (kind := kind_of(decode(head))) is not None and kind.role != "aside":
                    return shift, decode
    return 0, None


def _joined(run: bytes) -> bytes:
    return BREAK.sub(b"", run) if b"\n" in run or b"\\" in run else run


def _of_hex(run: bytes) -> bytes:
    if (match := HEX.fullmatch(_joined(run))) is None:
        raise ValueError("these are no hexadecimal digits")
    return bytes.fromhex(match[1].decode("ascii"))


def _of_base64(run: bytes) -> bytes:
    """Decode either alphabet; in the usual one "-" and "_" are not letters, and end it. Padding may be left out."""
    letters = _joined(run)
    if b"+" in letters or b"/" in letters:
        letters = letters.partition(b"-")[0].partition(b"_")[0]
    return base64.urlsafe_b64decode(letters + b"==")
