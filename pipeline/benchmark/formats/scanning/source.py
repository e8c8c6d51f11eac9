"""Source: one file as it is scanned, wherever it lies: in a folder, in an archive, in a cell of a table."""

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

AT_ONCE = 1 << 20  # bytes of a file read at once, where it is read from its start to its end


@dataclass(frozen=True)
class Source:
    """An open file, which stands at its first byte and is read once.

    `seekable`: it goes back at no cost; `depth`: how many others it lies in; `called`: what people called it, where it
    is not called `name`.
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
        """What it must be by its name, in words; empty where that says nothing."""
        return promised(self.called or self.name)

    def inside(self, name: str, file: IO[bytes], *, seekable: bool, called: str = "") -> Source:
        """A file that lies in this one."""
        return Source(name, file, seekable, self.depth + 1, called)

    def chunks(self) -> Iterator[bytes]:
        """All its bytes, a few at a time; once."""
        yield self.start
        while chunk := self.file.read(AT_ONCE):
            yield chunk

    def whole(self) -> bytes:
        """All its bytes; once. Raises ImageRefused for more than an image has."""
        start = self.start
        data = start + self.file.read(images.MAX_BYTES + 1 - len(start))
        if len(data) > images.MAX_BYTES:
            raise ImageRefused(images.TOO_LARGE, f"it has more than {images.MAX_BYTES:,} bytes")
        return data

    @contextmanager
    def from_start(self) -> Iterator[IO[bytes]]:
        """The file from its first byte, to read here and there; on the disk where it only comes from start to end.

        Raises Refused where the disk takes no copy.
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
        """Copy chunk by chunk: an error of the disk says nothing of the file."""
        for chunk in self.chunks():
            try:
                copy.write(chunk)
            except OSError as error:
                raise Refused(
                    f"{self.name} cannot be unpacked in {tempfile.gettempdir()} ({error.strerror}); set TMPDIR to a "
                    "folder with room for it, or unpack it yourself"
                ) from error
