"""Source: one file as it is scanned, wherever it is: in a folder, in an archive, in a cell of a table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from manifests.errors import Refused
from pipeline.benchmark.formats.scanning.kinds import START, Kind, kind_of, promised
from stages import images
from stages.images import ImageRefused

AT_ONCE = 1 << 20  # bytes read at once from a file that is read from start to end


@dataclass(frozen=True)
class Source:
    """An open file, positioned at its first byte, which is read once.

    `seekable`: going back costs nothing; `depth`: how many other files it is nested in; `called`: the name that people
    gave it, if that is not `name`.
    """

    name: str
    file: IO[bytes]
    seekable: bool = True
    depth: int = 0
    called: str = ""

    @cached_property
    def start(self) -> bytes:
        return self.file.read(START)

    @cached_property
    def kind(self) -> Kind | None:
        return kind_of(self.start, self.name)

    @property
    def promise(self) -> str:
        """What the file must be by its name, in words; empty if the name says nothing."""
        return promised(self.called or self.name)

    def inside(self, name: str, file: IO[bytes], *, seekable: bool, called: str = "") -> Source:
        """Return a file nested in this one."""
        return Source(name, file, seekable, self.depth + 1, called)

    def chunks(self) -> Iterator[bytes]:
        """Yield all its bytes, chunk by chunk; once."""
        yield self.start
        while chunk := self.file.read(AT_ONCE):
            yield chunk

    def whole(self) -> bytes:
        """Read all its bytes; once. Raises ImageRefused if there are more than an image may have."""
        start = self.start
        data = start + self.file.read(images.MAX_BYTES + 1 - len(start))
        if len(data) > images.MAX_BYTES:
            raise ImageRefused(images.TOO_LARGE, f"it has more than {images.MAX_BYTES:,} bytes")
        return data

    @contextmanager
    def from_start(self) -> Iterator[IO[bytes]]:
        """Open the file at its first byte for random access; copy it to disk first if it can only be read in order.

        Raises Refused if the disk does not accept the copy.
        """
        if self.seekable:
            self.file.seek(0)
            yield self.file
            return
        with tempfile.TemporaryFile() as copy:
            self._copy_to(copy)
            copy.seek(0)
            yield copy

    def _copy_to(self, copy: IO[bytes]) -> None:
        """Copy chunk by chunk, so that an error of the disk is not taken for one of the file."""
        for chunk in self.chunks():
            try:
                copy.write(chunk)
            except OSError as error:
                raise Refused(
                    f"{self.name} cannot be unpacked in {tempfile.gettempdir()} ({error.strerror}); set TMPDIR to a "
                    "folder with room for it, or unpack it yourself"
                ) from error
