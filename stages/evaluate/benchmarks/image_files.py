"""Image files: the folder of images that a benchmark's JSON file names, listed once for each folder in it."""

from __future__ import annotations

from pathlib import PurePosixPath

from manifests.errors import Refused
from manifests.storage import Folder
from manifests.stores.places import absolute


class ImageFiles:
    """Images below a folder, by the names a benchmark gives them."""

    def __init__(self, folder: str) -> None:
        self._folder = absolute(folder).rstrip("/")
        self._listed: dict[str, dict[str, int]] = {}  # folder below -> name -> bytes

    def find(self, name: str, where: str) -> tuple[str, int]:
        """Return uri and bytes of an image. Raises Refused, a sentence that begins with `where`, if it is not there.

        A name that leads out of the folder is refused too: what it names would be sent to a model.
        """
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "://" in name:
            raise Refused(f"{where}: its image {name[:100]!r} is outside the folder of images; correct the file")
        below, file = str(path.parent), path.name
        at = self._folder if below == "." else f"{self._folder}/{below}"
        if at not in self._listed:
            self._listed[at] = Folder(at).sizes()
        if file not in self._listed[at]:
            alike = [
                one for one in self._listed[at] if one.lower() == file.lower()
            ]  # published as .png, stored as .PNG
            file = alike[0] if len(alike) == 1 else file
        if file not in self._listed[at]:
            raise Refused(
                f"{where}: its image {path} is not in {self._folder}; download the images, and name their folder "
                "(images: FOLDER)"
            )
        return f"{at}/{file}", self._listed[at][file]
