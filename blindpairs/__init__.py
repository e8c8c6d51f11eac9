"""blindpairs in Python: open a run, read its tables and images, show its pairs, make new runs.

    import blindpairs

    run = blindpairs.open("demo/runs/demo")
    run.pairs().to_pandas().head()
    run.show(1)

Tables are pyarrow tables; `.to_pandas()` converts them to data frames. Errors are BlindpairsError or its subclasses.
Their text says what is wrong, where, and what to do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

from manifests.errors import BlindpairsError, Damaged, NotCommitted, Refused, TasksFailed, Unbalanced, Waiting

if TYPE_CHECKING:  # loaded when used, so that the import is quick
    import pyarrow as pa
    from _typeshed import SupportsKeysAndGetItem
    from PIL.Image import Image
    from pyarrow.dataset import Dataset

    from pipeline.notebook.pair import PairView
    from pipeline.reports.status.summary import StepStatus
    from pipeline.run.run import Run as _Run

__all__ = [
    "BlindpairsError",
    "Damaged",
    "NotCommitted",
    "Refused",
    "Run",
    "TasksFailed",
    "Unbalanced",
    "Waiting",
    "__version__",
    "open",
    "run",
]

__version__ = version("blindpairs")


class Run:
    """A run: its tables, its images and its pairs. Returned by `open` and `run`.

    Once a table has been read, it does not change: to see what a later command has changed, open the run again. Rows
    are checked against the digests of the commit when they are read, and a method raises Damaged if a file was changed.
    """

    def __init__(self, run: _Run) -> None:
        self._run = run

    @property
    def url(self) -> str:
        """The run's folder, a path or an fsspec URL."""
        return self._run.url

    def steps(self) -> tuple[StepStatus, ...]:
        """Return each step as it is now: its name (`step`), `state`, `shards`, `planned` shards and `counts`."""
        from pipeline.reports.status.read import status_of

        return status_of(self.url).steps

    def pairs(self, columns: Sequence[str] | None = None, *, left_out: bool = False) -> pa.Table:
        """Return the pairs, the widest gap first.

        `left_out`: also those that the filter left out, such as near-duplicates; they have a `reason` and no rank, and
        come last. The Parquet files hold both.

        Columns: left_id, right_id, reason (string), blind_cosine, reference_cosine, gap (float64), group, rank,
        left_copies, right_copies (int64). Raises NotCommitted if the pairs are not finished.
        """
        from pipeline.run.reading import pairs_of

        return pairs_of(self._run.manifest("pairs"), columns, left_out=left_out)

    def images(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a row for every image that was seen, including unreadable ones, whose `status` is not "ok".

        Columns, among others: image_id, source, key, uri, sha256, format, caption, label, status, error (string),
        offset, length (int64), width, height (int32, pixels). Raises NotCommitted if the images are not finished.
        """
        return self.manifest("images", columns)

    def questions(self, version: int | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the questions of a frozen version, the newest by default: a row for each image of a pair.

        Columns, among others: question_id, left_id, right_id, side, image_id, pattern, question, answer (string),
        options (list of two strings), place (int64). Raises Waiting if nothing is frozen, NotCommitted if there is
        no such version.
        """
        return self.manifest(self._run.questions(version)[1].folder.name, columns)

    def manifest(self, step: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the table of a step (images, embeddings, candidates, pairs, ...), or only these columns of it.

        All rows are loaded into memory. For 1.3 million embeddings of 1,792 float32 numbers that is 9 GB; their
        image_id and status alone are less than 0.1 GB. For a table that does not fit, use `dataset`. Raises Refused
        for an unknown step or column, NotCommitted if the step is not finished.
        """
        from pipeline.run.reading import table_of

        return table_of(self._run.manifest(step), columns)

    def dataset(self, step: str) -> Dataset:
        """Return the step's Parquet files as a pyarrow.dataset.Dataset, for filters and batches. Reads no rows yet.

        Unlike tables, its rows are not checked against the digests of the commit. Raises as `manifest` does.
        """
        from pipeline.run.reading import dataset_of

        return dataset_of(self._run.manifest(step))

    def image(self, image_id: str) -> Image:
        """Read an image from its source: a PIL.Image in RGB, decoded as for the encoders (EXIF orientation ignored).

        Raises Refused if the run has no readable image of this id, or if its bytes are gone or have changed.
        """
        from pipeline.benchmark.photos import photos_of
        from stages.images import ImageRefused, decode

        if (photo := photos_of(self._run, {image_id}).get(image_id)) is None:
            raise Refused(f"{self.url} has no readable image {image_id!r}; `images()` lists them, `status` says which")
        try:
            return decode(photo.read())
        except ImageRefused as error:
            raise Refused(f"image {image_id} of {self.url} cannot be read any more: {error.sentence}") from error

    def show(self, pair: SupportsKeysAndGetItem[str, Any] | SupportsIndex) -> PairView:
        """Return a pair for Jupyter to show: both images side by side, both cosines, and the thresholds.

        `pair`: a row of `pairs()` or of the candidates (a dict or a pandas Series), or a rank, where 1 is the widest
        gap. Raises Refused for a rank or a row that this run does not have, NotCommitted if the pairs are not finished.
        """
        from pipeline.notebook.pair import pair_view

        return pair_view(self._run, self._ranked(index(pair)) if isinstance(pair, SupportsIndex) else dict(pair))

    def _ranked(self, rank: int) -> Mapping[str, Any]:
        found = [row for row in self.pairs().to_pylist() if row["rank"] == rank]
        if not found:
            raise Refused(f"{self.url} has no pair of rank {rank}; ranks go from 1 to {self.pairs(['rank']).num_rows}")
        return found[0]

    def __repr__(self) -> str:
        return f"blindpairs.open({self.url!r})"

    def _repr_html_(self) -> str:
        from pipeline.notebook.html import render

        return render("run.html.j2", url=self.url, steps=self.steps())


def open(url: str | os.PathLike[str]) -> Run:
    """Open the run in this folder: a path, or an fsspec URL such as s3://bucket/runs/mmvp.

    Raises Refused if the folder is not a run, or if images are being removed from it.
    """
    from pipeline.run.run import Run as _Run

    return Run(_Run.open(os.fspath(url)))


def run(
    recipe: str | os.PathLike[str] | Mapping[str, Any],
    *,
    root: str | os.PathLike[str] = "runs",
    name: str | None = None,
    until: str | None = None,
    offline: bool = False,
    ray: str | None = None,
    retry_failed: bool = False,
    redo: str | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Run:
    """Make a run, as the command `blindpairs run` does, and return it. The same call resumes one that was stopped.

    `recipe`: a preset's name, the path of a YAML file, or the settings as a mapping. `root`: the folder or fsspec URL
    that contains the run's folder. `name`: the run's name, the recipe's by default. `until`: the last step to make.
    `offline`: contact no model hub. `ray`: "off", "local", or a cluster's address. `retry_failed`: request failed URLs
    again. `redo`: a step to make again in place, with those after it. `quiet`: show no progress on stderr. `settings`:
    changes by dotted name, such as `**{"filter.blind_min": 0.96}`.

    Workers are new processes that import your script: call this under `if __name__ == "__main__":`. Raises Refused
    before any work if settings are wrong or do not fit the existing run, TasksFailed if tasks failed.
    """
    from pipeline.config.changes import Setting
    from pipeline.launch.launch import make

    read = recipe if isinstance(recipe, Mapping) else os.fspath(recipe)
    changes = [Setting(setting, value) for setting, value in settings.items()]
    how = {"retry_failed": retry_failed, "quiet": quiet}
    return open(make(read, changes, os.fspath(root), name, until, offline, ray, redo=redo, **how).run)
