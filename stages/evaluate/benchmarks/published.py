"""Published: a benchmark as it is stored in files, found in a folder as the hub lays it out, or named one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from manifests.errors import Refused
from manifests.storage import Folder
from manifests.stores.places import absolute
from manifests.tables import image_id
from stages.evaluate.benchmarks.base import Row, in_groups
from stages.evaluate.benchmarks.entries import ENDINGS, PARQUET, Entry, entries_of
from stages.evaluate.benchmarks.files import sha256_of
from stages.evaluate.settings import Published

DATA = "data"  # where the hub keeps the Parquet files of many data sets
TABLES = f"*{PARQUET}"


@dataclass(frozen=True)
class Form:
    """How one benchmark is published. `rows(entry)` are the questions of a row of its files, without their place."""

    kind: str
    rows: Callable[[Entry], Iterator[Row]]
    names: tuple[str, ...]  # globs of its files in a folder; the first that names any is taken

    def image(self, entry: Entry, key: str, cell: str, name: str | None = None) -> Row:
        """Return the columns about an image. `key`: what identifies it in the benchmark.

        `cell`: the column that holds it in a Parquet file; `name`: that which names it in a JSON file.
        """
        return {"image_id": image_id(self.kind, key), **entry.located(cell if entry.is_table else name or cell)}


@dataclass(frozen=True)
class PublishedBenchmark:
    """The questions in a benchmark's files."""

    settings: Published
    form: Form

    def state(self) -> Mapping[str, Any]:
        """Return sha256 of each file, and of the names and sizes of the images that a JSON file names."""
        named = sorted({(row["uri"], row["length"]) for row in self.rows() if row["length"] is not None})
        found: dict[str, Any] = {"files": {uri.rsplit("/", 1)[-1]: sha256_of(uri) for uri in self._files}}
        if named:
            sizes = [(uri.removeprefix(self._pictures), length) for uri, length in named]
            found["images"] = hashlib.sha256(json.dumps(sizes).encode()).hexdigest()
        return found

    def rows(self) -> Iterator[Row]:
        def found() -> Iterator[tuple[str, Row]]:
            for uri in self._files:
                for entry in entries_of(uri, self._pictures):
                    yield from ((entry.where, row) for row in self.form.rows(entry))

        number = 0
        for number, row in enumerate(in_groups(found()), 1):  # noqa: B007 - is counted
            yield row
        if not number:
            raise Refused(f"{', '.join(self._files)} holds no question; download it again")

    @cached_property
    def _files(self) -> list[str]:
        """Return the benchmark's files in order. Raises Refused if there are none."""
        uri = absolute(self.settings.uri).rstrip("/")
        if uri.endswith(ENDINGS):
            return [uri]
        for pattern in self.form.names:
            for folder in (Folder(uri), Folder(uri) / DATA):
                if found := [name for name in folder.sizes() if fnmatchcase(name, pattern)]:
                    return [(folder / name).url for name in sorted(found)]
        raise Refused(
            f"{uri} holds no file of {self.form.kind} ({', '.join(self.form.names)}); name the folder or the file "
            "that was downloaded"
        )

    @property
    def _pictures(self) -> str:
        """Return the folder of images: that of the recipe, or that of the file which names them."""
        return absolute(self.settings.images or self._files[0].rpartition("/")[0]).rstrip("/")
