"""Form: one form in which others read a benchmark, and which of our pairs it takes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.benchmark.benchmark import Benchmark, Posed
from pipeline.benchmark.checks.formulas import Cells, no_cells
from pipeline.benchmark.formats.writing.pictures import JPEGS
from pipeline.benchmark.photos import Photo
from pipeline.run.run import Run
from stages import images
from stages.author.authored import BENCHMARK

QUALITY = 95  # of a JPEG made from another format


@dataclass(frozen=True)
class Form:
    """A form: `write` puts the benchmark into an empty folder; it receives what `part` returns, in that order.

    `order`: the sort key of the pairs; pairs with equal keys stay in their frozen order. `next` is a sentence on what
    to do with the folder, or a function that returns one for a benchmark; `{to}` in it is the folder. `cells`: the
    texts of a pair that are cells of their own in a CSV or a TSV, as they were written.
    """

    name: str
    says: str  # one line, for --help and the README
    takes: Callable[[Posed], bool]
    write: Callable[[Benchmark, Path], None]
    next: str | Callable[[Benchmark], str]
    use: str = BENCHMARK
    order: Callable[[Posed], int] = lambda pair: 0
    cells: Cells = no_cells

    def part(self, benchmark: Benchmark) -> Benchmark:
        """Return the benchmark's pairs of `use` that the form `takes`, in the order in which they are written."""
        taken = benchmark.of(self.use, having=self.takes)
        return replace(taken, pairs=tuple(sorted(taken.pairs, key=self.order)))

    def next_step(self, benchmark: Benchmark, to: Path) -> str:
        """Return `next` for this benchmark in this folder."""
        told = self.next if isinstance(self.next, str) else self.next(benchmark)
        return told.format(to=to)


@dataclass(frozen=True)
class RunForm:
    """A form of a run's pairs, whether people have written about them or not.

    `write(run, store, folder, name, most)` puts them into an empty folder, which will be called `name`; it returns how
    many pairs it wrote, and how many it left out for which reason. `store`: where people wrote, None if that is not
    known for a run in a bucket; `most`: at most how many pairs, the best ones; None for all. `reads_store`: whether the
    form contains what people wrote.
    """

    name: str
    says: str
    write: Callable[[Run, Path | None, Path, str, int | None], tuple[int, Mapping[str, int]]]
    next: str
    reads_store: bool = True


def as_jpeg(photo: Photo) -> bytes:
    """Return the photo for forms whose files are named .jpg: a JPEG's own bytes, anything else re-encoded as JPEG.

    Raises ImageRefused if the image is gone or does not decode.
    """
    data = photo.read()
    if photo.format in JPEGS:
        return data
    stream = io.BytesIO()
    images.decode(data).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()
