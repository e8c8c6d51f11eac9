"""Embed: turn each readable image into one unit vector per encoder, with one read and one decode.

Each image passes through these steps: its bytes are read together with its neighbors' (reading.py), its pixels are
prepared for each encoder (decoding.py), its vectors are computed in threads that never wait for a file as long as the
earlier steps keep ahead (computing.py), and its row is written (rows.py). A shard's vectors are made by one worker,
on a CPU from each image alone, so they depend neither on the number of workers nor on batches.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import pyarrow as pa

from manifests.counts import by_status
from manifests.errors import Refused
from manifests.schema import Schema
from manifests.shard import Part
from manifests.tables import OK, embeddings
from stages.base import Machine, MapStage, Reads, Task
from stages.embed.batch_size import batch_size, remember
from stages.embed.computing import Lanes, Within, warmed
from stages.embed.decoding import prepared
from stages.embed.reading import Locator
from stages.embed.rows import tables
from stages.embed.settings import EmbedSettings
from stages.images import POLICY
from stages.models.encoders.base import load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.weights import Weights

COMPILED = 64  # images in a batch of a compiled network, unless the recipe says so
TOGETHER = 4  # images passed on at once if each is computed by itself
AHEAD = 2  # batches of images that are decoded or being decoded ahead of the encoders
LIBRARIES_BYTES = 1 << 30  # torch and related libraries, once per process


class Embed(MapStage):
    """The images table in, the embeddings table out."""

    name = "embed"
    source = "images"
    gpus = 0.5  # while one worker reads or writes, the other computes
    decodes = gradual = True
    columns = ("image_id", "status", "error", "uri", "offset", "length", "sha256")

    def __init__(self, settings: EmbedSettings) -> None:
        self.embed = settings
        self._weights: dict[str, Weights | None] = {}
        self._hashes: dict[str, dict[str, str]] = {}
        self._found: tuple[str, Mapping[str, object]] = ("", {})  # host, and each file's size and modification time
        self._encoders: dict[str, Within] = {}
        self._lanes: Lanes | None = None
        self._machine = Machine()

    @property
    def settings(self) -> Mapping[str, Any]:
        # defaults added later are left out, so that the fingerprints of earlier runs do not change
        absent: dict[str, Any] = {"precision": self.embed.precision == "auto"}
        absent["encoders"] = {
            name: {"preprocessing"}
            for name, encoder in self.embed.encoders.items()
            if getattr(encoder, "preprocessing", "") == "library"
        }
        return {"embed": self.embed.model_dump(mode="json", exclude=absent)}

    def external_state(self) -> Mapping[str, Any]:
        """Return the hashes of every encoder's weights and configuration. Raises Refused if they are not usable."""
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

    def check_device(self, device: str) -> None:
        if self.embed.precision in ("bfloat16", "float16") and device == "cpu":
            from stages.models.encoders.device import device_of  # torch takes seconds to load: only if needed

            device_of(Machine(device), self.embed.precision)

    def setup(self, machine: Machine) -> None:
        self._find_weights_here()
        self._machine = machine
        self._encoders = {
            name: self._within(name, replace(machine, device=_device(machine, place)))
            for place, name in enumerate(self.embed.encoders)
        }
        self._lanes = Lanes(self._encoders, machine.batch or TOGETHER)

    def _within(self, name: str, machine: Machine) -> Within:
        encoder = load(self.embed.encoders[name], self._weights[name], machine, self.embed.precision)
        if not encoder.batched:
            return Within(encoder)
        if machine.batch or machine.compile:  # each size tried would be compiled separately
            return warmed(Within(encoder, machine.batch or COMPILED))
        weights = ", ".join(f"{file} {digest[:12]}" for file, digest in self._hashes[name].items())
        return warmed(Within(encoder, batch_size(encoder, weights), lambda size: remember(encoder, weights, size)))

    def _find_weights_here(self) -> None:
        """Find the weights again on another machine or if a file has changed. Raises Refused if they differ."""
        if self._found == (platform.node(), self._stamps()):
            return
        wanted = self._hashes
        self.external_state()
        for name, hashes in wanted.items():
            if hashes != self._hashes[name]:
                raise Refused(
                    f"{platform.node()} has other weights for the encoder {name} than this run began with; "
                    "copy the checkpoint to every machine, or name a commit of the hub's (revision)"
                )

    def _stamps(self) -> Mapping[str, object]:
        """Return size and modification time of every weights file, by path; empty if a file is gone."""
        files = [path for found in self._weights.values() if found for path in found.files]
        if not all(path.is_file() for path in files):
            return {}
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}

    def computed(self) -> str:
        each = {name: within.encoder.computed for name, within in self._encoders.items()}
        alike = len(set(each.values())) == 1
        return next(iter(each.values())) if alike else ", ".join(f"{name} {told}" for name, told in each.items())

    def process(self, task: Task, reads: Reads) -> Iterator[Part]:
        for table in self._tables(reads[self.source].read(task.name, self.columns)):
            yield Part(table, by_status(table))

    def transform(self, rows: pa.Table) -> pa.Table:
        """Turn n rows of images into n rows of embeddings, in the same order."""
        return pa.concat_tables(self._tables(rows))

    def _tables(self, rows: pa.Table) -> Iterator[pa.Table]:
        """Yield the rows, a few hundred at a time; while the caller writes them, the next ones are computed."""
        lanes, decoders = self._lanes, self._machine.decoders
        assert lanes is not None, "a worker sets the stage up first"
        encoders = {name: within.encoder for name, within in self._encoders.items()}
        images = prepared(_locators(rows), encoders, threads=decoders, ahead=AHEAD * lanes.size + decoders)
        with closing(images), closing(lanes.answers(images)) as answers:
            yield from tables(rows, self.schema(), answers)


def _device(machine: Machine, place: int) -> str:
    """Return the encoder's device: with several GPUs, encoders are assigned to them in turn."""
    return f"{machine.device}:{place % machine.gpus}" if machine.device == "cuda" else machine.device


def _locators(rows: pa.Table) -> Iterator[Locator]:
    named = ("status", "uri", "offset", "length", "sha256")
    places = zip(*(rows.column(name).to_pylist() for name in named), strict=True)
    return (Locator(place, *where) for place, (status, *where) in enumerate(places) if status == OK)
