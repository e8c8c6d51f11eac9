"""Form: one way in which others read a benchmark, and what it takes of ours."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.benchmark.benchmark import Benchmark, Posed
from pipeline.benchmark.photos import Photo
from pipeline.exchange.writing.pictures import JPEGS
from stages import images
from stages.author.authored import BENCHMARK

QUALITY = 95  # of a JPEG made from another format


@dataclass(frozen=True)
class Form:
    """A form: `write` puts the benchmark into an empty folder; it gets only pairs of `use` that have what `takes` asks.

    `next` says in a sentence what one does with the folder; `{to}` in it is the folder.
    """

    name: str
    says: str  # one line, for --help and the README
    takes: Callable[[Posed], bool]
    write: Callable[[Benchmark, Path], None]
    next: str
    use: str = BENCHMARK


@dataclass(frozen=True)
class RunForm:
    """A form of a run's pairs, whether people have written of them or not.

    `write(run, store, folder, name, most)` puts them into an empty folder, which will be called `name`; it says how
    many pairs it wrote, and how many it left out for which reason. `store`: where people wrote, None if nobody said
    so of a run in a bucket; `most`: how many pairs at most, the best; None for all.
    """

    name: str
    says: str
    write: Callable[[str, Path | None, Path, str, int | None], tuple[int, Mapping[str, int]]]
    next: str


def as_jpeg(photo: Photo) -> bytes:
    """The photo for forms whose files are named .jpg: a JPEG's own bytes, anything else decoded and written as one.

    Raises ImageRefused where the image is gone or does not decode.
    """
    data = photo.read()
    if photo.format in JPEGS:
        return data
    stream = io.BytesIO()
    images.decode(data).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()
