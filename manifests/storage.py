"""Folder: a place for a manifest's files, on a disk or in a bucket. A file is whole or absent.

On a disk a file is written aside, synced and renamed; elsewhere it is a single put. Names that start
with `_` are this project's own; every Parquet reader skips them.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

ASIDE = ".aside"  # ends the name of a file that is not whole yet


@dataclass(frozen=True)
class Folder:
    """A folder by path or fsspec URL (`runs/mmvp`, `s3://bucket/runs/mmvp`)."""

    url: str

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.url.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        return self.url.rstrip("/").rsplit("/", 1)[-1]

    @property
    def _place(self) -> tuple[fsspec.AbstractFileSystem, str]:
        if "://" in self.url:
            return url_to_fs(self.url)
        # never by url_to_fs: a "::" in a path would be taken for a chain of file systems
        return LocalFileSystem(), os.path.abspath(os.path.expanduser(self.url))

    @property
    def local(self) -> Path | None:
        """The path on this machine's disk, or None for a bucket."""
        fs, path = self._place
        return Path(path) if isinstance(fs, LocalFileSystem) else None

    def sizes(self) -> dict[str, int]:
        """Name -> bytes of every whole file here; empty where the folder does not exist."""
        fs, path = self._place
        fs.invalidate_cache(path)
        if not fs.isdir(path):
            return {}
        files = (entry for entry in fs.ls(path, detail=True) if entry["type"] == "file")
        named = {entry["name"].rsplit("/", 1)[-1]: int(entry["size"]) for entry in files}
        return {name: size for name, size in sorted(named.items()) if not name.endswith(ASIDE)}

    def folders(self) -> list[str]:
        """Names of the folders here."""
        fs, path = self._place
        if not fs.isdir(path):
            return []
        entries = (e for e in fs.ls(path, detail=True) if e["type"] == "directory")
        return sorted(entry["name"].rstrip("/").rsplit("/", 1)[-1] for entry in entries)

    def has(self, name: str) -> bool:
        fs, path = self._place
        fs.invalidate_cache(path)
        return bool(fs.exists(f"{path}/{name}"))

    def read(self, name: str) -> bytes:
        fs, path = self._place
        return bytes(fs.cat_file(f"{path}/{name}"))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A seekable file open for reading: footers and columns are read, not the whole."""
        fs, path = self._place
        with fs.open(f"{path}/{name}", "rb") as file:
            yield file

    def write(self, name: str, data: bytes) -> None:
        """Put `data` under `name`, whole or not at all."""
        with self.aside(name) as path:
            path.write_bytes(data)

    @contextmanager
    def aside(self, name: str) -> Iterator[Path]:
        """A local path to write to; when the block ends well the file appears here under `name`, whole."""
        target = self.local
        if target is None:
            with tempfile.TemporaryDirectory() as scratch:
                yield (path := Path(scratch) / name)
                fs, folder = self._place
                fs.put_file(str(path), f"{folder}/{name}")
            return
        target.mkdir(parents=True, exist_ok=True)
        # the host too: containers on a shared disk often have the same process numbers
        path = target / f"_{name}.{socket.gethostname()}.{os.getpid()}{ASIDE}"
        try:
            yield path
            _sync(path)
            os.replace(path, target / name)
        finally:
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove files a killed process left half written. Only the run's one driver may call this."""
        if (target := self.local) is None or not target.is_dir():
            return
        for left in target.glob(f"_*{ASIDE}"):
            left.unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Remove one file, if it is here."""
        fs, path = self._place
        if fs.exists(f"{path}/{name}"):
            fs.rm_file(f"{path}/{name}")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
