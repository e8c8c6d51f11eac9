"""Folder: a place for a manifest's files, on a disk or in a bucket. A file is whole or absent.

On a disk a file is written aside, synced and renamed; elsewhere it is a single put. Names that start
with `_` are this project's own; every Parquet reader skips them. What a store does not do after all its
and our own retries is an OSError (manifests/stores/faults.py says which, patience.py how long).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from manifests.stores import disk, puts, ranges, reach
from manifests.stores.disk import ASIDE
from manifests.stores.holding import remove_left_scratch, scratch_folder
from manifests.stores.patience import patiently
from manifests.stores.places import is_local, place


@dataclass(frozen=True)
class Folder:
    """A folder by path or fsspec URL (`runs/mmvp`, `s3://bucket/runs/mmvp`).

    Every method raises Refused for a URL that is none (places.place), PermissionError or FileNotFoundError
    where that is true of the file, and another OSError where disk, network or store failed.
    """

    url: str

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.url.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        return self.url.rstrip("/").rsplit("/", 1)[-1]

    @property
    def local(self) -> Path | None:
        """The path on this machine's disk, or None for a bucket."""
        return Path(place(self.url)[1]) if is_local(self.url) else None

    def check_writable(self) -> None:
        """Write a small file here and remove it. Raises Refused, saying why that cannot be done and what to do.

        For a bucket: no such bucket, no credentials, credentials that are not accepted or not allowed to,
        nobody answers (within 20 s), an unknown protocol or one whose library is not installed.
        """
        what = f"{self.url} cannot be written"
        if (path := self.local) is None:
            reach.check_takes_files(self.url, what)
        else:
            disk.check_takes_files(path, what)

    def sizes(self) -> dict[str, int]:
        """Name -> bytes of every whole file here; empty where the folder does not exist."""
        found = sorted(self._entries("file").items())
        return {name: size for name, size in found if not name.endswith(ASIDE)}

    def folders(self) -> list[str]:
        """Names of the folders here."""
        return sorted(self._entries("directory"))

    def has(self, name: str) -> bool:
        """Whether `name` is here now, whoever wrote it."""
        if (local := self.local) is not None:
            return (local / name).exists()
        fs, path = place((self / name).url)
        try:
            patiently(lambda: fs.info(path), (self / name).url)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """A small file's bytes, all of one version of it."""
        if (path := self.local) is None:
            return ranges.read_all((self / name).url)
        return (path / name).read_bytes()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A seekable file open for reading: footers and columns are read, not the whole.

        In a bucket each read is one request, and what comes short is read again.
        """
        if (path := self.local) is not None:
            with (path / name).open("rb") as file:
                yield file
            return
        with ranges.opened((self / name).url) as reader:
            yield reader

    def write(self, name: str, data: bytes) -> None:
        """Put `data` under `name`, whole or not at all."""
        if self.local is None:
            puts.put((self / name).url, data)
            return
        with self.aside(name) as path:
            path.write_bytes(data)

    def create(self, name: str, data: bytes) -> bool:
        """Put `data` under `name` unless a file is there; False, with nothing changed, where one is.

        Of any number of processes at once one gets True, on a disk and in S3 or Google's store (by a
        conditional put); elsewhere it is looked first and written then.
        """
        if (path := self.local) is None:
            return puts.create((self / name).url, data)
        return disk.create(path, name, data)

    @contextmanager
    def aside(self, name: str) -> Iterator[Path]:
        """A local path to write to; when the block ends well the file appears here under `name`, whole.

        For a bucket the path lies in a folder of its own under TMPDIR.
        """
        if (folder := self.local) is None:
            with scratch_folder() as scratch:
                yield (path := scratch / name)
                puts.put_file((self / name).url, path)
            return
        with disk.aside(folder, name) as path:
            yield path

    def move_in(self, name: str, file: Path) -> None:
        """Move a whole file of this machine here as `name`."""
        if (folder := self.local) is not None:
            disk.move_in(folder, name, file)
            return
        puts.put_file((self / name).url, file)
        file.unlink()

    def sweep_left(self) -> None:
        """Remove files that killed processes left half written, and none that another one is writing now.

        Anybody may call this. For a bucket: what they left under this machine's TMPDIR.
        """
        if (folder := self.local) is not None:
            disk.sweep_left(folder)
        else:
            remove_left_scratch()

    def sweep(self) -> None:
        """Remove all files that are half written. Only the run's one driver may call this, where it alone writes."""
        if (target := self.local) is None or not target.is_dir():
            return
        for left in target.glob(f"_*{ASIDE}"):
            left.unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Remove one file, if it is here."""
        if (path := self.local) is not None:
            (path / name).unlink(missing_ok=True)
            return
        fs, at = place((self / name).url)
        with suppress(FileNotFoundError):
            patiently(lambda: fs.rm_file(at), (self / name).url)

    def _entries(self, kind: str) -> dict[str, int]:
        """Name -> bytes of what lies right in this folder; nothing where there is no such folder."""
        if (folder := self.local) is not None:
            return {name: size for name, (of, size) in disk.entries(folder).items() if of == kind}
        fs, path = place(self.url)
        try:
            found = patiently(lambda: fs.ls(path, detail=True), self.url)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        top = path.rstrip("/") + "/"
        named = {entry["name"].removeprefix(top).rstrip("/"): entry for entry in found if entry["type"] == kind}
        # not the file that lies in the folder's place, nor the empty object by which some tools mark a folder
        return {name: int(entry["size"] or 0) for name, entry in named.items() if name and "/" not in name}
