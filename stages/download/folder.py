"""Folder: a source of image files, each labeled with the name of its folder, as in ImageNet's synset folders.

A subfolder that cannot be read becomes a rejected row, because there may be images in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.stores.places import absolute
from stages import images
from stages.base import PriorState, Task
from stages.download.growth import numbered_after
from stages.download.listing import digest, files_below, listing
from stages.download.row import Found, Row, looked_at, printable, refused
from stages.download.settings import FolderSettings
from stages.download.walk import File

NAMED_ASIDE = 20  # other files listed by name in a shard's counts; the rest are only counted


@dataclass(frozen=True)
class FolderSource:
    """Files below a folder; files not named like an image are counted and listed by name, but are not rows."""

    source: FolderSettings
    shard_rows: int

    def external_state(self) -> dict[str, int | str]:
        """Return the current number, bytes, and a hash of names and sizes of the image files."""
        with listing(self.source):
            found = digest(self._image_files())
        if not found["files"]:
            raise Refused(
                f"source {self.source.name}: no image file below {self._root} (endings known: "
                f"{' '.join(images.NAMES)}); correct images.sources ... uri"
            )
        return found

    def plan(self) -> list[Task]:
        """Return one task for each stretch of image files, identified by the paths that bound it.

        Stretches are as even as possible, at most `shard_rows` long: in a short last stretch a single
        broken image would be too large a share.
        """
        count = sum(1 for _ in self._image_files())
        stretches = max(1, -(-count // self.shard_rows))
        files, after = self._image_files(), None
        tasks: list[Task] = []
        while block := list(islice(files, (count + stretches - 1 - len(tasks)) // stretches)):
            to, name = block[-1].name, f"{self.source.name}-{len(tasks):05d}"
            tasks.append(Task(name, {"source": self.source.name, "after": after, "to": to, "files": len(block)}))
            after = to
        if tasks:  # the last stretch has no upper bound, so that other files after the last image are counted too
            tasks[-1] = Task(tasks[-1].name, {**tasks[-1].facts, "to": None})
        return tasks

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        """Keep the tasks if the folder is unchanged: a folder does not grow. Raises Refused if it changed."""
        if begun.external_state == self.external_state():
            return list(begun.tasks), []
        if begun.external_state and begun.settled:
            uri = self.source.uri
            raise Refused(f"the folder {uri} changed; folders do not grow, but a new one may be a new source")
        return [], numbered_after(begun.tasks, self.plan())  # nothing permanent was made from it

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """Return the rows of one stretch, and counts of the other files between them."""
        files = list(files_below(self._root, task.facts["after"], task.facts["to"]))
        pictures = [file for file in files if self._is_row(file)]
        if len(pictures) != task.facts["files"]:
            raise Refused(
                f"{self._root} changed while it was read: {len(pictures)} image files between "
                f"{task.facts['after']} and {task.facts['to']}, {task.facts['files']} planned; name a new run"
            )
        others = [file.name for file in files if not _is_row(file)]
        hidden = sum(_is_row(file) for file in files) - len(pictures)
        return [self._row(file) for file in pictures], Counts(aside=_aside(others, hidden))

    @property
    def _root(self) -> str:
        return absolute(self.source.uri)

    def _image_files(self) -> Iterator[File]:
        return (file for file in files_below(self._root) if self._is_row(file))

    def _is_row(self, file: File) -> bool:
        return _is_row(file) and (self.source.hidden or not any(part.startswith(".") for part in file.name.split("/")))

    def _row(self, file: File) -> Row:
        stem = file.name.rsplit(".", 1)[0]
        folder = file.name.rsplit("/", 2)[-2] if "/" in file.name else None
        fields = {"label": folder and printable(folder), "license": self.source.license}
        if file.name != printable(file.name):
            unnamed = Found(self.source.name, stem, file.name, "", 0, 0, fields)
            return refused(unnamed, images.UNREADABLE, "the file's name is not UTF-8; rename it")
        return looked_at(Found(self.source.name, stem, file.name, file.uri, 0, max(file.size, 0), fields, file.fault))


def _is_row(file: File) -> bool:
    return images.is_named_as_image(file.name) or file.is_folder


def _aside(names: list[str], hidden: int) -> dict[str, int]:
    named = {printable(name): 1 for name in names[:NAMED_ASIDE]}
    counted = {"(more files)": len(names) - len(named), "(hidden images)": hidden}
    return named | {name: count for name, count in counted.items() if count}
