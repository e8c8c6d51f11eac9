"""Step: the pictures' vectors as the embed step makes them, by running the step itself in this process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from manifests.tables import OK
from pipeline.config.settings import Config
from pipeline.executors import machine
from pipeline.reports.parity.result import Picture, Side, Vector
from stages.base import Machine
from stages.download.settings import DownloadSettings
from stages.download.stage import Download
from stages.embed.stage import Embed


def by_step(config: Config, folder: Path, pictures: Sequence[Picture]) -> tuple[Side, dict[str, str]]:
    """Return what the step makes of the pictures, all stored in `folder`, and encoder -> how it computed.

    Raises Refused where weights or device are not usable.
    """
    stage = Embed(config.embed)
    stage.external_state()
    stage.setup(_machine(config))
    images = _images(folder)
    embedded = stage.transform(images.select(stage.columns))
    called = {str(picture.path): picture.name for picture in pictures}
    names = [called[uri] for uri in images.column("uri").to_pylist()]
    encoders = list(config.embed.encoders)
    return _side(embedded, names, encoders), each_computed(stage.computed(), encoders)


def each_computed(told: str, encoders: Sequence[str]) -> dict[str, str]:
    """Parse encoder -> how it computed from the stage's text: one description for all, or one after each name."""
    parts = re.split(rf"(?:^|, )(?:{'|'.join(encoders)}) ", told)[1:]
    return dict(zip(encoders, parts, strict=True)) if parts else dict.fromkeys(encoders, told)


def _machine(config: Config) -> Machine:
    """Return the resources a worker of the embed step would have on this computer."""
    there, workers = machine.gpus(), config.workers.embed
    each = Embed.gpus if workers.gpus is None else workers.gpus
    gpus = min(each, float(len(there)))
    return workers.machine(gpus, machine.cores() * gpus / len(there) if there else 0.0)


def _images(folder: Path) -> pa.Table:
    """Return the rows of the images table, made by the step that reads a folder."""
    source = {"name": "parity", "kind": "folder", "uri": str(folder)}
    stage = Download(DownloadSettings.model_validate({"sources": [source]}))
    stage.external_state()
    return pa.concat_tables(part.table for task in stage.plan({}) for part in stage.process(task, {}))


def _side(embedded: pa.Table, names: Sequence[str], encoders: Sequence[str]) -> Side:
    status, error = (embedded.column(name).to_pylist() for name in ("status", "error"))
    fine = [row for row, word in enumerate(status) if word == OK]
    rejected = {names[row]: f"{word}: {error[row]}" for row, word in enumerate(status) if word != OK}
    vectors = {
        encoder: dict(zip([names[row] for row in fine], _vectors(embedded.column(encoder), fine), strict=True))
        for encoder in encoders
    }
    return Side(vectors, rejected)


def _vectors(column: pa.ChunkedArray, rows: Sequence[int]) -> list[Vector]:
    """Return the stored vectors of these rows, at unit length in float64."""
    stored = column.to_pylist()
    wide = (np.array(stored[row], np.float64) for row in rows)
    return [vector / np.linalg.norm(vector) for vector in wide]
