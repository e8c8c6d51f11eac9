"""Run: a run in Python: its tables, its images, its pairs, and what models answered about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

from manifests.errors import Refused

if TYPE_CHECKING:  # loaded when used, so that the import is quick
    import pyarrow as pa
    from _typeshed import SupportsKeysAndGetItem
    from PIL.Image import Image
    from pyarrow.dataset import Dataset

    from pipeline.notebook.pair import PairView
    from pipeline.reports.status.summary import StepStatus
    from pipeline.run.run import Run as _Run


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

    def scores(self, version: int | None = None) -> pa.Table:
        """Return the scores of the models that were asked the questions of a frozen version, by default the newest.

        Columns: model, category, metric (string), right, of (int64), value, low, high (float64, from 0 to 1).
        `category` is a visual pattern, or "all". Raises Refused if no model was asked.
        """
        return self._evaluated("scores", version)

    def answers(self, version: int | None = None) -> pa.Table:
        """Return how each model answered each question: a row for each model, question and order of the options.

        Columns: model, question_id, order, group, category, source, answer, rule, status, error (string), right (bool).
        Raises as `scores` does.
        """
        return self._evaluated("answers", version)

    def _evaluated(self, step: str, version: int | None) -> pa.Table:
        from manifests.manifest import Manifest
        from pipeline.run.evaluation import evaluation_folder
        from pipeline.run.reading import table_of

        return table_of(Manifest.open(evaluation_folder(self.url, version) / step), None)

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
