"""Storage: a folder for a manifest's files, on a disk or in a bucket. A file is complete or absent.

On a disk a file is written under a temporary name, synced and renamed; elsewhere it is a single put. Names that
start with `_` are this project's own; every Parquet reader skips them. A request that still fails after the store
library's and our own retries raises an OSError (manifests/stores/faults.py says which, patience.py after how long).
"""

from __future__ import annotations

import shutil
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

    Every method raises Refused for an invalid URL (places.place), PermissionError or FileNotFoundError
    if that is true of the file, and another OSError if the disk, network or store failed.
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

    def free_bytes(self) -> int | None:
        """Return how many bytes the disk of this folder can still take from us; None for a bucket."""
        return shutil.disk_usage(self.local).free if self.local else None

    def check_writable(self) -> None:
        """Write a small file here and remove it. Raises Refused, saying why this is not possible and what to do.

        Reasons for a bucket: no such bucket, no credentials, credentials that are not accepted or lack permission,
        no answer (within 20 s), an unknown protocol or one whose library is not installed.
        """
        what = f"{self.url} cannot be written"
        if (path := self.local) is None:
            reach.check_takes_files(self.url, what)
        else:
            disk.check_takes_files(path, what)

    def sizes(self) -> dict[str, int]:
        """Return name -> bytes of every complete file here; empty if the folder does not exist."""
        found = sorted(self._entries("file").items())
        return {name: size for name, size in found if not name.endswith(ASIDE)}

    def folders(self) -> list[str]:
        """Return the names of the folders here."""
        return sorted(self._entries("directory"))

    def has(self, name: str) -> bool:
        """Return whether `name` is here now, whoever wrote it."""
        if (local := self.local) is not None:
            return (local / name).exists()
        fs, path = place((self / name).url)
        try:
            patiently(lambda: fs.info(path), (self / name).url)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """Read a small file's bytes, all of them from one version."""
        if (path := self.local) is None:
            return ranges.read_all((self / name).url)
        return (path / name).read_bytes()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a seekable file for reading: footers and columns are read, not the entire file.

        In a bucket each read is one request, and a read that comes back short is repeated.
        """
        if (path := self.local) is not None:
            with (path / name).open("rb") as file:
                yield file
            return
        with ranges.opened((self / name).url) as reader:
            yield reader

    def write(self, name: str, data: bytes) -> None:
        """Write `data` as `name`, completely or not at all."""
        if self.local is None:
            puts.put((self / name).url, data)
            return
        with self.aside(name) as path:
            path.write_bytes(data)

    def create(self, name: str, data: bytes) -> bool:
        """Write `data` as `name`; return False, with nothing changed, if that file exists.

        Of any number of concurrent processes exactly one gets True, on a disk and in S3 or Google's store
        (by a conditional put); elsewhere the check comes first and then the write.
        """
        if (path := self.local) is None:
            return puts.create((self / name).url, data)
        return disk.create(path, name, data)

    @contextmanager
    def aside(self, name: str) -> Iterator[Path]:
        """Yield a local path to write to; if the block succeeds, the complete file appears here as `name`.

        For a bucket the path is in a folder of its own under TMPDIR.
        """
        if (folder := self.local) is None:
            with scratch_folder() as scratch:
                yield (path := scratch / name)
                puts.put_file((self / name).url, path)
            return
        with disk.aside(folder, name) as path:
            yield path

    def move_in(self, name: str, file: Path) -> None:
        """Move a complete file of this machine here as `name`."""
        if (folder := self.local) is not None:
            disk.move_in(folder, name, file)
            return
        puts.put_file((self / name).url, file)
        file.unlink()

    def sweep_left(self) -> None:
        """Remove half-written files that killed processes left, but none that another process is writing now.

        Anybody may call this. For a bucket it removes what they left under this machine's TMPDIR.
        """
        if (folder := self.local) is not None:
            disk.sweep_left(folder)
        else:
            remove_left_scratch()

    def sweep(self) -> None:
        """Remove all half-written files. Only the run's one driver may call this, where it is the only writer."""
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
        """Return name -> bytes of this folder's own entries of one kind; empty if there is no such folder."""
        if (folder := self.local) is not None:
            return {name: size for name, (of, size) in disk.entries(folder).items() if of == kind}
        fs, path = place(self.url)
        try:
            found = patiently(lambda: fs.ls(path, detail=True), self.url)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        top = path.rstrip("/") + "/"
        named = {entry["name"].removeprefix(top).rstrip("/"): entry for entry in found if entry["type"] == kind}
        # without a file in the folder's place, and without the empty object by which some tools mark a folder
        return {name: int(entry["size"] or 0) for name, entry in named.items() if name and "/" not in name}
