"""ImageNet: a source in any form. A row's label is its synset, class_name its words, and split as names state it.

The form is detected from the files (form.py). WebDataset tars and Parquet files are read like sources of those
kinds, and may grow by files; ILSVRC's tars and folders do not grow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from manifests.counts import Counts
from manifests.errors import Refused
from manifests.stores.places import absolute
from manifests.tables import OK
from stages import images
from stages.base import PriorState, Task
from stages.download.folder import FolderSource
from stages.download.growth import grown, numbered_after
from stages.download.imagenet.classes import synset_of, synsets_of, words_of
from stages.download.imagenet.form import GROWING, Form, form_of
from stages.download.imagenet.names import SPLITS, label_in, split_of
from stages.download.imagenet.tars import ClassTars, ImageTars
from stages.download.imagenet.truth import Truth, are_numbered, read_truth
from stages.download.listing import files_below, listing
from stages.download.parquet.source import ParquetSource
from stages.download.row import Row
from stages.download.settings import FolderSettings, ImagenetSettings, ParquetSettings, ShardsSettings
from stages.download.shards import ShardsSource

UNKNOWN = "(images without a class)"
ASKED = ("validation", None)  # splits whose images need the truth
Inner = ClassTars | ImageTars | FolderSource | ShardsSource | ParquetSource


@dataclass(frozen=True)
class ImagenetSource:
    """The tasks are those of the form that is found; each task names that form."""

    source: ImagenetSettings
    shard_rows: int

    def external_state(self) -> dict[str, int | str]:
        """Return what there is now, as its form describes it, and the truth. Raises Refused if no form fits."""
        form, truth = form_of(self.source), self._truth()
        if truth and form not in (Form.IMAGES, Form.FOLDER):
            raise Refused(f"source {self.source.name}: a {form} says its classes itself; leave out `truth`")
        found: dict[str, int | str] = {**self._inner(form).external_state(), "form": str(form)}
        found |= {} if form in GROWING else {"at": absolute(self.source.uri)}
        return found | ({"truth": truth.digest} if truth else {})

    def plan(self) -> list[Task]:
        """Return the tasks of the form. Raises Refused if the truth is not that of these images."""
        form, truth = form_of(self.source), self._truth()
        facts: dict[str, Any] = {"form": str(form)}
        if truth:
            paths = self.asking(form)
            truth.check_fits(paths)
            facts |= {"truth": truth.digest, "numbered": are_numbered(paths)}
        return [Task(task.name, {**task.facts, **facts}) for task in self._inner(form).plan()]

    def extended(self, begun: PriorState) -> tuple[list[Task], list[Task]]:
        """Allow more WebDataset tars and Parquet files. Raises Refused if anything else changed."""
        now = self.external_state()
        if now["form"] in GROWING and begun.external_state.get("form", now["form"]) == now["form"]:
            return grown(begun, self.plan())
        if begun.external_state == now:
            return list(begun.tasks), []
        if begun.external_state and begun.settled:
            what = f"{begun.external_state.get('at', 'the source')} ({begun.external_state['form']})"
            raise Refused(f"{what} changed; only WebDataset and Parquet grow, but it may be a new source")
        return [], numbered_after(begun.tasks, self.plan())  # nothing permanent was made from it

    def rows(self, task: Task) -> tuple[list[Row], Counts]:
        """Return the rows of the form, with what names, truth and class list say about each."""
        form = Form(task.facts["form"])
        rows, counts = self._inner(form).rows(task)
        truth = self._truth_of(task, form)
        dressed = [self._dressed(row, form, self._archive(task), truth) for row in rows]
        unknown = sum(row["status"] == OK and row["label"] is None for row in dressed)
        return dressed, counts + Counts(aside={UNKNOWN: unknown} if unknown else {})

    def _dressed(self, row: Row, form: Form, archive: str, truth: Callable[[str], str | None]) -> Row:
        key = str(row["key"])
        path = f"{key}."  # as if it had its ending, which the key lacks
        named = path.rsplit("/", 1)[-1] if form is Form.PARQUET else path  # a table's paths were another machine's
        stated = row["split"] and SPLITS.get(row["split"].lower(), row["split"])
        split = self.source.split or stated or split_of(named, archive)
        label = label_in(path, archive)
        if label is None and split in ASKED:
            label = truth(key)
        if label is None and row["label"] and (form in GROWING or row["label"].lower() not in SPLITS):
            label = synset_of(row["label"])
        return row | {"label": label, "class_name": words_of(label) or row["class_name"], "split": split}

    def _archive(self, task: Task) -> str:
        return str(task.facts.get("uri") or f"{absolute(self.source.uri).rstrip('/')}/")

    def _truth(self) -> Truth | None:
        return None if self.source.truth is None else read_truth(self.source.truth)

    def _truth_of(self, task: Task, form: Form) -> Callable[[str], str | None]:
        """Return a function: an image's key -> its synset. Raises Refused if the truth is not that of the plan."""
        if "truth" not in task.facts:
            return lambda key: None
        assert self.source.truth is not None
        truth = _known(self.source.truth, task.facts["truth"])
        if truth.names or task.facts["numbered"]:
            return lambda key: truth.by_name(f"{key}.")
        return _by_order(self, form, truth).get

    def asking(self, form: Form) -> list[str]:
        """Return the paths of images that need the truth: their names state no class, neither train nor test."""
        if form is Form.IMAGES:
            found = ImageTars(self.source, self.shard_rows).paths()
        else:
            root = f"{absolute(self.source.uri).rstrip('/')}/"
            with listing(self.source):
                found = iter([(file.name, root) for file in files_below(root) if images.is_named_as_image(file.name)])
        split = self.source.split
        return [one for one, of in found if label_in(one, of) is None and (split or split_of(one, of)) in ASKED]

    def _inner(self, form: Form) -> Inner:
        name, uri, license = self.source.name, self.source.uri, self.source.license
        if form is Form.CLASS_TARS:
            return ClassTars(self.source)
        if form is Form.IMAGES:
            return ImageTars(self.source, self.shard_rows)
        if form is Form.FOLDER:
            return FolderSource(FolderSettings(name=name, kind="folder", uri=uri, license=license), self.shard_rows)
        if form is Form.SHARDS:
            return ShardsSource(ShardsSettings(name=name, kind="shards", uri=uri, license=license))
        settings = ParquetSettings(name=name, kind="parquet", uri=uri, license=license)
        return ParquetSource(settings, synsets_of)


@lru_cache(maxsize=2)
def _known(uri: str, digest: str) -> Truth:
    if (truth := read_truth(uri)).digest != digest:
        raise Refused(f"truth {uri} changed after the run was planned; put the old one back, or name a new run")
    return truth


@lru_cache(maxsize=2)
def _by_order(source: ImagenetSource, form: Form, truth: Truth) -> Mapping[str, str]:
    return truth.by_order(source.asking(form))
