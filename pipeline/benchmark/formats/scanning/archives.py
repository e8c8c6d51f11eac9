"""Archives: the files inside a tar or a zip, and files compressed with gzip, bzip2 or xz, one at a time."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from manifests.errors import Refused
from pipeline.benchmark.formats.scanning.source import Source
from stages.download.tar import Damage, member_file, members

PACKED = re.compile(r"\.(gz|bz2|xz)$", re.IGNORECASE)
LOCKED = 1  # the flag bit of an encrypted zip entry


def files_in(source: Source) -> Iterator[Source]:
    """Yield the files in an archive, called `ARCHIVE:NAME`; each is open until the next is requested.

    Raises Refused for a truncated tar, for a member without bytes of its own and for an encrypted one, and whatever the
    libraries raise for damaged bytes.
    """
    assert source.kind is not None
    return OPENERS[source.kind.name](source)


def _in_tar(source: Source) -> Iterator[Source]:
    with source.from_start() as file:
        for one in members(file):
            if isinstance(one, Damage):
                raise Refused(
                    f"{source.name} cannot be read whole ({one.sentence}); download it again, or pack it anew"
                )
            if one.fault:
                raise Refused(f"{source.name}:{one.name} is {one.fault}")
            yield source.inside(f"{source.name}:{one.name}", member_file(file, one), seekable=True)


def _in_zip(source: Source) -> Iterator[Source]:
    with source.from_start() as file, zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if entry.is_dir() and not entry.file_size:
                continue
            name = f"{source.name}:{entry.filename}"
            if entry.flag_bits & LOCKED:
                raise Refused(f"{name} is encrypted; unpack it, and put what is in it in place of {source.name}")
            with archive.open(entry) as member:
                yield source.inside(name, member, seekable=False)


def _unpacked(opened: Callable[..., Any]) -> Callable[[Source], Iterator[Source]]:
    """Open one file that was compressed alone; it keeps the name, as `x.tar.gz:1.jpg` is what people look for."""

    def files(source: Source) -> Iterator[Source]:
        with source.from_start() as file, opened(file) as plain:
            called = PACKED.sub("", source.called or source.name)
            yield source.inside(source.name, plain, seekable=False, called=called)

    return files


OPENERS: dict[str, Callable[[Source], Iterator[Source]]] = {
    "tar": _in_tar,
    "zip": _in_zip,
    "gzip": _unpacked(gzip.open),
    "bzip2": _unpacked(bz2.open),
    "xz": _unpacked(lzma.open),
}
