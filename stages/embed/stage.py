"""Embed: each readable image gets one unit vector per encoder, out of one read and one decode.

The computing thread never waits for a file as long as the decoding threads keep ahead. A shard's
vectors are made by one worker from its own images alone, so they do not depend on how many workers
there are.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.errors import Refused
from manifests.schema import Schema
from manifests.tables import OK, embeddings
from stages.base import Machine, MapStage
from stages.embed.computing import Within, unit
from stages.embed.decoding import Locator, Prepared, batches, prepared
from stages.embed.settings import EmbedSettings
from stages.images import POLICY, ImageRefused
from stages.models.encoders.base import load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.weights import Weights

BAD_VECTOR = "bad_vector"
LIBRARIES_BYTES = 1 << 30  # torch and its kin, once a process


class Embed(MapStage):
    """The images table in, the embeddings table out."""

    name = "embed"
    source = "images"
    accelerated = True
    columns = ("image_id", "status", "error", "uri", "offset", "length", "sha256")

    def __init__(self, settings: EmbedSettings) -> None:
        self.embed = settings
        self._weights: dict[str, Weights | None] = {}
        self._hashes: dict[str, dict[str, str]] = {}
        self._found: tuple[str, Mapping[str, object]] = ("", {})  # host, and each file's size and time
        self._encoders: dict[str, Within] = {}
        self._machine = Machine()

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"embed": self.embed.model_dump(mode="json")}

    def outside(self) -> Mapping[str, Any]:
        """The hash of every encoder's weights and configuration; Refused where they are not fit for use."""
        self._weights = {name: weights_of(encoder) for name, encoder in self.embed.encoders.items()}
        self._hashes = {name: found.identity() for name, found in self._weights.items() if found}
        self._found = (platform.node(), self._stamps())
        return {"weights": self._hashes, "pixels": POLICY}

    def table(self) -> tuple[str, int]:
        schema = embeddings({})
        return schema.name, schema.version

    def schema(self) -> Schema:
        dtype = pa.float16() if self.embed.dtype == "float16" else pa.float32()
        return embeddings({name: within.encoder.dim for name, within in self._encoders.items()}, dtype)

    def worker_bytes(self) -> int:
        weights = sum(found.bytes for found in self._weights.values() if found)
        return 2 * weights + (LIBRARIES_BYTES if weights else LIBRARIES_BYTES // 4)

    def setup(self, machine: Machine) -> None:
        self._find_weights_here()
        self._machine = machine
        self._encoders = {
            name: Within(load(encoder, self._weights[name], machine)) for name, encoder in self.embed.encoders.items()
        }

    def _find_weights_here(self) -> None:
        """On another machine, or when a file has changed, the weights are found again, and must be the same."""
        if self._found == (platform.node(), self._stamps()):
            return
        wanted = self._hashes
        self.outside()
        for name, hashes in wanted.items():
            if hashes != self._hashes[name]:
                raise Refused(
                    f"{platform.node()} has other weights for the encoder {name} than this run began with; "
                    "copy the checkpoint to every machine, or name a commit of the hub's (revision)"
                )

    def _stamps(self) -> Mapping[str, object]:
        """Size and time of every weights file, by path; empty where one is gone."""
        files = [path for found in self._weights.values() if found for path in found.files]
        if not all(path.is_file() for path in files):
            return {}
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}

    def transform(self, rows: pa.Table) -> pa.Table:
        """(n rows of images) in, n rows of embeddings out, in the same order."""
        answers = _Answers(rows, self.schema())
        for batch in batches(self._prepared(rows), self._machine.batch):
            read = [image for image in batch if image.refusal is None]
            for image in batch:
                answers.refuse(image)
            if read:
                self._encode(read, answers)
        return answers.table()

    def _prepared(self, rows: pa.Table) -> Iterator[Prepared]:
        encoders = {name: within.encoder for name, within in self._encoders.items()}
        ahead = 2 * self._machine.batch + self._machine.decoders
        return prepared(_locators(rows), encoders, threads=self._machine.decoders, ahead=ahead)

    def _encode(self, read: list[Prepared], answers: _Answers) -> None:
        places = np.array([image.place for image in read])
        for name, within in self._encoders.items():
            vectors, good = unit(within.encode([image.inputs[name] for image in read]))
            answers.vectors[name][places] = vectors
            for place in places[~good]:
                sentence = f"the encoder {name} gave a vector that is zero or not finite"
                answers.refuse(Prepared(int(place), {}, ImageRefused(BAD_VECTOR, sentence)))


class _Answers:
    """One shard's embeddings while they are made: every row has an answer, a vector or a reason."""

    def __init__(self, rows: pa.Table, schema: Schema) -> None:
        self._schema = schema
        self._ids = rows.column("image_id")
        self._status: list[str] = rows.column("status").to_pylist()
        self._error: list[str | None] = rows.column("error").to_pylist()
        self.vectors: dict[str, NDArray[np.float32]] = {
            field.name: np.zeros((rows.num_rows, field.type.list_size), np.float32)
            for field in schema.columns
            if pa.types.is_fixed_size_list(field.type)
        }

    def refuse(self, image: Prepared) -> None:
        if image.refusal is not None:
            self._status[image.place], self._error[image.place] = image.refusal.status, image.refusal.sentence

    def table(self) -> pa.Table:
        missing = pa.array([status != OK for status in self._status], pa.bool_())
        columns = {
            "image_id": self._ids,
            "status": pa.array(self._status, pa.string()),
            "error": pa.array(self._error, pa.string()),
        }
        for name, vectors in self.vectors.items():
            columns[name] = _lists(vectors, self._schema.columns.field(name).type, missing)
        return pa.table(columns)


def _lists(vectors: NDArray[np.float32], kind: pa.FixedSizeListType, missing: pa.Array) -> pa.Array:
    """(n, dim) as n fixed-size lists, null where `missing`."""
    values = pa.array(vectors.ravel().astype(kind.value_type.to_pandas_dtype()), kind.value_type)
    return pa.FixedSizeListArray.from_arrays(values, type=kind, mask=missing)


def _locators(rows: pa.Table) -> Iterator[Locator]:
    named = ("status", "uri", "offset", "length", "sha256")
    places = zip(*(rows.column(name).to_pylist() for name in named), strict=True)
    return (Locator(place, *where) for place, (status, *where) in enumerate(places) if status == OK)
