"""Where the time of one image goes, each part by itself in one thread: read, decode, prepare, copy, compute, write."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from tests.benchmarks.embed_ways import GPU_BATCH, Work

FEW = 32


def where_time_goes(work: Work) -> dict[str, float]:
    """Part -> milliseconds an image."""
    from stages import images
    from stages.base import Machine
    from stages.embed.settings import EmbedSettings
    from stages.embed.stage import Embed

    stage = Embed(EmbedSettings.model_validate({"encoders": work.encoders, "precision": work.precision}))
    stage.external_state()
    stage.setup(Machine(device="cuda" if work.gpu else "cpu", batch=GPU_BATCH if work.gpu else None))
    files = work.files[: GPU_BATCH if work.gpu else FEW]
    data = [path.read_bytes() for path in files]
    pictures = [images.decode(one) for one in data]
    found = {
        "read": _each(lambda path: images.read(str(path), 0, path.stat().st_size), files),
        "hash": _each(lambda one: hashlib.sha256(one).digest(), data),
        "decode": _each(images.decode, data),
    }
    for name, within in stage._encoders.items():
        ready = [within.encoder.prepare(picture) for picture in pictures]
        found[f"prepare for {name}"] = _each(within.encoder.prepare, pictures)
        if not isinstance(ready[0], type(data)) and work.gpu:
            found[f"copy for {name}"] = _whole(lambda ready=ready: _copied(ready), len(files))
        found[f"compute {name}"] = _whole(lambda ready=ready, within=within: within.encode(ready), len(files))
    return found | {"write": _written(stage, len(files))}


def _each(work: Callable[[Any], Any], things: Sequence[Any]) -> float:
    return _whole(lambda: [work(thing) for thing in things], len(things))


def _whole(work: Callable[[], Any], count: int) -> float:
    work()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / count * 1e3


def _copied(ready: list[Any]) -> None:
    import torch

    torch.stack(ready).pin_memory().to("cuda", non_blocking=True)
    torch.cuda.synchronize()


def _written(stage: Any, count: int) -> float:
    """Rows with vectors into a shard on disk."""
    from manifests.counts import by_status
    from manifests.shard import Part, write_shard
    from manifests.storage import Folder
    from stages.embed.computing import Answer, unit
    from stages.embed.rows import tables

    rows = pa.table({"image_id": [f"{place:032x}" for place in range(count)], "status": ["ok"] * count})
    rows = rows.append_column("error", pa.nulls(count, pa.string()))
    vectors = {name: unit(_drawn(count, within.encoder.dim))[0] for name, within in stage._encoders.items()}
    answers = [Answer(place, {name: found[place] for name, found in vectors.items()}) for place in range(count)]

    def write() -> None:
        with tempfile.TemporaryDirectory() as folder:
            parts = [Part(table, by_status(table)) for table in tables(rows, stage.schema(), answers)]
            write_shard(Folder(folder), "a", stage.schema(), parts)

    return _whole(write, count)


def _drawn(count: int, dim: int) -> Any:
    import numpy as np

    return np.random.default_rng(0).standard_normal((count, dim), dtype=np.float32)
