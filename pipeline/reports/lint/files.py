"""Files: image files below a folder, or listed by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from pipeline.reports.lint.names import is_unread
from pipeline.reports.lint.tally import Tally
from stages import images
from stages.download.listing import files_below
from stages.download.row import printable
from stages.download.walk import File


@dataclass(frozen=True)
class Pictures:
    """Files of the folder `root` whose path is > `after` and <= `to`, or just `named`; findings name each as a file."""

    root: str
    size: int
    named: tuple[File, ...] = ()
    after: str | None = None
    to: str | None = None
    file: str = ""

    def look(self, tally: Tally) -> None:
        for file in self._files():
            if file.fault or file.uri != printable(file.uri):
                tally.find("unreadable", file.fault or "its name is not UTF-8", file.name)
            elif images.is_named_as_image(file.name):
                read = partial(images.read, file.uri, 0, file.size)
                tally.see(file.name, 0, read, read)
                tally.beat(file.size)
            elif is_unread(file.name):
                tally.find("unread_image", "an image that is not read", file.name)

    def names(self) -> Iterator[str]:
        """Yield its images' names, in order."""
        for file in self._files():
            if not file.fault and file.uri == printable(file.uri) and images.is_named_as_image(file.name):
                yield file.name

    def _files(self) -> Iterator[File]:
        yield from self.named or files_below(self.root, self.after, self.to)
