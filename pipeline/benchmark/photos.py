"""Photos: what the images table says about single images, whose bytes are read on request."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.run.run import Run
from stages import images

CHANGED = "bytes_changed"  # a status raised only by Photo.read, in no table


@dataclass(frozen=True)
class Photo:
    """What the images table says about one image; its bytes are read on request."""

    image_id: str
    source: str
    key: str
    uri: str
    offset: int
    length: int
    sha256: str
    width: int
    height: int
    format: str
    url: str | None = None
    caption: str | None = None
    label: str | None = None
    class_name: str | None = None
    license: str | None = None

    def read(self) -> bytes:
        """Read the file's bytes, which are those that the run read.

        Raises ImageRefused if they are gone or have changed since (its status is then CHANGED), OSError if a store
        failed.
        """
        data = images.read(self.uri, self.offset, self.length)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise images.ImageRefused(CHANGED, f"{self.uri}: its bytes were changed since the run read it")
        return data


PHOTO = tuple(one.name for one in fields(Photo))


def photos_of(run: Run, image_ids: set[str]) -> dict[str, Photo]:
    """Map the id of each of these images that has bytes to what the images table says about it."""
    wanted = pa.array(sorted(image_ids), pa.string())
    found: dict[str, Photo] = {}
    for batch in run.manifest("images").batches((*PHOTO, "status")):
        there = batch.filter(pc.is_in(batch.column("image_id"), wanted))
        there = there.filter(pc.equal(there.column("status"), "ok"))
        found |= {row["image_id"]: Photo(**row) for row in there.select(PHOTO).to_pylist()}
    return found
