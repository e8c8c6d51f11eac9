"""Corpus: a committed images manifest of drawn photos, in shards of 1, 2, 4, ... rows, and the tasks that use it.

How long an image takes is not known in advance: from seconds (two large networks on one core) to half a
millisecond. So workers begin with the smallest shards and continue with shards twice as large: a slow worker
finishes a few small shards, and a fast worker soon gets shards large enough to hide the fixed cost of a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from manifests.counts import by_status
from manifests.draft import Draft
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from manifests.tables import IMAGES, image_id
from pipeline.plan.rehearsal import photos
from stages.base import Task
from stages.download.settings import DownloadSettings
from stages.download.stage import Download

SOURCE = "drawn"
ON_CPU, ON_GPU = (1, 512), (32, 4096)  # rows of the smallest and of the largest shard; a GPU fills its batches anyway
TWICE = 2  # shards of each size per worker, before the size doubles
ENOUGH = 100  # shards of the largest size per worker: more than there is time for


def written(folder: Path, *, gpus: bool) -> Manifest:
    """Draw the photos into `folder`, find them with the real Download stage, and commit their rows in these shards."""
    (folder / SOURCE).mkdir()
    photos.draw(folder / SOURCE)
    settings = {"sources": [{"name": SOURCE, "kind": "folder", "uri": str(folder / SOURCE)}]}
    download = Download(DownloadSettings.model_validate(settings))
    found = pa.concat_tables(part.table for task in download.plan({}) for part in download.process(task, {}))
    made_by, table = f"{download.name} {download.version}", f"{IMAGES.name} {IMAGES.version}"
    lineage = Lineage("images", made_by, table, download.settings, {}, {})
    names = {_name(size): size for size in sizes(gpus=gpus)}
    draft = Draft.begin(Folder(str(folder / "images")), lineage, [{"name": name} for name in names])
    return draft.commit({name: write_shard(draft.folder, name, IMAGES, [part]) for name, part in _parts(found, names)})


def sizes(*, gpus: bool) -> list[int]:
    """Return the rows of the shards, in ascending order."""
    smallest, largest = ON_GPU if gpus else ON_CPU
    return [size for power in range(13) if smallest <= (size := 1 << power) <= largest]


def tasks(workers: int, *, gpus: bool) -> list[Task]:
    """Return the tasks of `workers` workers, in order. A shard may be made many times, since it is never committed."""
    each = [(size, TWICE) for size in sizes(gpus=gpus)]
    each[-1] = (each[-1][0], ENOUGH)
    return [Task(_name(size)) for size, times in each for _ in range(times * workers)]


def _name(size: int) -> str:
    return f"{size:05d}"


def _parts(found: pa.Table, names: Mapping[str, int]) -> list[tuple[str, Part]]:
    """Return each shard's rows, each an image of its own, although its bytes may be those of other images, too."""
    parts = []
    for name, size in names.items():
        rows = found.take([place % found.num_rows for place in range(size)])
        ids = pa.array([image_id(SOURCE, f"{name}/{place}") for place in range(size)], pa.string())
        table = rows.set_column(rows.column_names.index("image_id"), IMAGES.columns.field("image_id"), ids)
        parts.append((name, Part(table, by_status(table))))
    return parts
