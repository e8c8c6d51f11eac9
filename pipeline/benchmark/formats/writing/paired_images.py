"""Paired images: a run's pairs with the bytes of both images, as Parquet. It needs no questions.

Best pairs come first, in files of some hundred megabytes. At most one row group of images is in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.errors import Refused
from pipeline.benchmark.formats.writing.form import RunForm
from pipeline.benchmark.formats.writing.markdown import filled
from pipeline.benchmark.formats.writing.pictures import PICTURE, Row, for_datasets, groups, picture, size_of
from pipeline.benchmark.photos import Photo, photos_of
from pipeline.run.run import Run
from stages.images import ImageRefused

FILE_BYTES = 500 * 2**20  # bytes of images after which the next file begins
AT_ONCE = 10_000  # pairs whose images are looked up in one pass over the images table
OF_PAIR = ("left_id", "right_id", "blind_cosine", "reference_cosine", "gap", "group", "rank")
OF_IMAGE = ("caption", "label", "license", "url")
SIDES = ("left", "right")
COLUMNS = for_datasets(
    pa.schema(
        [
            *((name, pa.string()) for name in OF_PAIR[:2]),
            *((name, pa.float64()) for name in OF_PAIR[2:5]),
            *((name, pa.int64()) for name in OF_PAIR[5:]),
            *((f"{side}_image", PICTURE) for side in SIDES),
            *((f"{side}_{name}", pa.string()) for side in SIDES for name in OF_IMAGE),
        ]
    )
)
NOT_THERE = "not_among_the_images"


def write_paired_images(run: Run, folder: Path, most: int | None = None) -> tuple[int, Mapping[str, int]]:
    """Write the run's pairs, at most `most`, into the folder; return how many, and why others were left out.

    A pair is left out if one of its images is gone, or its bytes differ from when the run was made. Raises Refused if
    the run has no pairs, or if all are left out.
    """
    pairs = _pairs(run).slice(0, most)
    left_out = Counter[str]()
    if not (written := _write(folder / "data", _rows(run, pairs, left_out))):
        told = ", ".join(f"{why}: {count}" for why, count in sorted(left_out.items()))
        raise Refused(f"of none of the {pairs.num_rows} pairs of {run} both images are there ({told}); bring them back")
    text = filled("paired_images.md.j2", run=run.folder.name, written=written, left_out=left_out)
    (folder / "README.md").write_text(text + "\n", encoding="utf-8")
    return written, dict(sorted(left_out.items()))


def _pairs(run: Run) -> pa.Table:
    """Read the kept pairs, best first."""
    remedy = "`blindpairs run RECIPE` makes them"
    if not run.has("pairs"):
        raise Refused(f"{run} has no pairs yet; {remedy}")
    batches = list(run.manifest("pairs").batches(OF_PAIR))
    pairs = pa.Table.from_batches(batches) if batches else COLUMNS.empty_table().select(list(OF_PAIR))
    kept = pairs.filter(pc.is_valid(pairs.column("rank"))).sort_by("rank")
    if not kept.num_rows:
        raise Refused(f"{run} kept no pair; with other thresholds (`blindpairs report {run}` shows them) {remedy}")
    return kept


def _rows(run: Run, pairs: pa.Table, left_out: Counter[str]) -> Iterator[Row]:
    """Yield a row for each pair whose images are there; the others are counted."""
    for begin in range(0, pairs.num_rows, AT_ONCE):
        some = pairs.slice(begin, AT_ONCE).to_pylist()
        photos = photos_of(run, {pair[f"{side}_id"] for pair in some for side in SIDES})
        for pair in some:
            try:
                yield _row(pair, [photos.get(pair[f"{side}_id"]) for side in SIDES])
            except ImageRefused as refusal:
                left_out[refusal.status] += 1


def _row(pair: Mapping[str, Any], photos: Sequence[Photo | None]) -> Row:
    """Return a pair's row. Raises ImageRefused if one of the two images is not what it was."""
    row = dict(pair)
    for side, photo in zip(SIDES, photos, strict=True):
        if photo is None:
            raise ImageRefused(NOT_THERE, f"{pair[f'{side}_id']} is not among the images")
        row[f"{side}_image"] = picture(photo, photo.image_id)
        row |= {f"{side}_{name}": getattr(photo, name) for name in OF_IMAGE}
    return row


def _write(folder: Path, rows: Iterator[Row]) -> int:
    """Write pairs-00000.parquet and on; each file ends with the group that fills it. Return their number of rows."""
    folder.mkdir()
    ahead, files, written = groups(rows), 0, 0
    while group := next(ahead, None):
        with pq.ParquetWriter(folder / f"pairs-{files:05d}.parquet", COLUMNS, use_dictionary=False) as writer:
            files, room = files + 1, FILE_BYTES
            while group:
                writer.write_table(pa.Table.from_pylist(list(group), schema=COLUMNS))
                written, room = written + len(group), room - sum(map(size_of, group))
                group = next(ahead, None) if room > 0 else None
    return written


def _write_form(
    run: Run, store: Path | None, folder: Path, name: str, most: int | None
) -> tuple[int, Mapping[str, int]]:
    return write_paired_images(run, folder, most)


FORM = RunForm(
    "parquet",
    "the run's pairs as they are, best first, with the bytes of both images; needs no questions",
    _write_form,
    '`datasets.load_dataset("{to}")` opens it; so do pyarrow, DuckDB and pandas: {to}/data/*.parquet',
    reads_store=False,
)
