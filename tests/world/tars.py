"""Tars as real bytes, and a reader of them that shares nothing with the one under test."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass

BLOCK = 512


def packed(members: Iterable[tuple[str, bytes]], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A whole tar of these files, in this order; a name may occur twice."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def with_entry(entry: tarfile.TarInfo, before: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """A tar of the files `before` and one entry without data, such as a link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in before:
            file = tarfile.TarInfo(name)
            file.size = len(data)
            archive.addfile(file, io.BytesIO(data))
        archive.addfile(entry)
    return stream.getvalue()


@dataclass(frozen=True)
class Lying:
    """A file of a plain tar: its first and last byte plus one."""

    name: str
    start: int
    stop: int


def laid_out(tar: bytes) -> list[Lying]:
    """Where each file of a whole USTAR archive lies, read from the header's fields alone."""
    found, at = [], 0
    while any(header := tar[at : at + BLOCK]):
        start, size = at + BLOCK, int(header[124:135], 8)
        found.append(Lying(header[:100].rstrip(b"\0").decode(), start, start + size))
        at = start + -(-size // BLOCK) * BLOCK
    return found


def end_of(tar: bytes) -> int:
    """Where the end mark of a whole USTAR archive begins."""
    last = laid_out(tar)[-1].stop if any(tar[:BLOCK]) else 0
    return -(-last // BLOCK) * BLOCK


def header_size_replaced(tar: bytes, name: str, field: bytes) -> bytes:
    """`tar` with other bytes in the size field of one header, its checksum made right again."""
    lying = next(one for one in laid_out(tar) if one.name == name)
    header = bytearray(tar[lying.start - BLOCK : lying.start])
    header[124:136] = field.ljust(12, b"\0")
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return tar[: lying.start - BLOCK] + bytes(header) + tar[lying.start :]
