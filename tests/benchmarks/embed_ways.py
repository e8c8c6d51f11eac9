"""Ways to embed a folder of photos with two encoders, each as somebody would write it: what embed_rate.py compares.

Each way is given the same photos and checkpoints, uses every core (and the GPU if there is one), and answers with
images a second for both encoders, from when everything is loaded and warm to the last vector.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

BATCH = 32  # what a user would take on a CPU
GPU_BATCH = 256
WARM = 4  # images, or batches on a GPU, that do not count


class Measured(NamedTuple):
    """Images a second, and what share of the time (percent) the GPU was busy, where that is known."""

    rate: float
    busy: float | None = None


@dataclass(frozen=True)
class Work:
    """What is to be embedded, by which encoders (settings of a recipe), on what."""

    photos: Path
    encoders: dict[str, dict[str, Any]]
    gpu: bool
    precision: str = "float32"

    @property
    def files(self) -> list[Path]:
        return sorted(self.photos.iterdir())

    @property
    def cores(self) -> int:
        return len(os.sched_getaffinity(0))


# the limit: forward passes alone, on tensors that were ready before


def bare(work: Work, batch: int = 1) -> Measured:
    """On a CPU a process a core, each with one thread; on a GPU one process, its tensors on the card."""
    if work.gpu:
        return Measured(_bare_rate(work, work.files, GPU_BATCH, lambda: None))
    context = get_context("spawn")
    barrier, answers = context.Barrier(work.cores), context.Queue()
    parts = [work.files[place :: work.cores] for place in range(work.cores)]
    members = [context.Process(target=_bare_member, args=(work, part, batch, barrier, answers)) for part in parts]
    for member in members:
        member.start()
    rates = [answers.get() for _ in members]
    for member in members:
        member.join()
    return Measured(sum(rates))


def bare_by_32(work: Work) -> Measured:
    return bare(work, BATCH)


def _bare_member(work: Work, files: list[Path], batch: int, barrier: Any, answers: Any) -> None:
    import torch

    torch.set_num_threads(1)
    answers.put(_bare_rate(work, files, batch, barrier.wait))


def _bare_rate(work: Work, files: list[Path], batch: int, ready: Callable[[], object]) -> float:
    import torch

    towers = [_tower(settings, work) for settings in work.encoders.values()]
    tensors = [torch.stack([prepare(_opened(path)) for path in files]) for prepare, _ in towers]
    if work.gpu:
        tensors = [there.to("cuda", getattr(torch, work.precision)) for there in tensors]
    with torch.inference_mode():
        for (_, forward), there in zip(towers, tensors, strict=True):
            forward(there[:batch])
        if work.gpu:
            torch.cuda.synchronize()
        ready()
        began = time.perf_counter()
        for (_, forward), there in zip(towers, tensors, strict=True):
            for start in range(0, len(there), batch):
                forward(there[start : start + batch])
        if work.gpu:
            torch.cuda.synchronize()
    return len(files) / (time.perf_counter() - began)


def _opened(path: Path) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(path.read_bytes())).convert("RGB")


def _tower(settings: dict[str, Any], work: Work) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    return tower_of(settings, work.gpu, work.precision)


def tower_of(settings: dict[str, Any], gpu: bool, precision: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """An encoder as its library loads it: what prepares an image, what makes vectors of a batch."""
    import torch

    place, kind = torch.device("cuda" if gpu else "cpu"), getattr(torch, precision)
    if settings["kind"] == "open_clip":
        import open_clip

        model, prepare = open_clip.create_model_from_pretrained(settings["model"])
        model = model.to(place, kind).eval()
        return prepare, lambda batch: model.encode_image(batch.to(place, kind))
    from transformers import AutoImageProcessor, AutoModel

    processor = AutoImageProcessor.from_pretrained(settings["model"], backend="torchvision")
    whole = AutoModel.from_pretrained(settings["model"], dtype=torch.float32).to(place, kind).eval()
    return (
        lambda image: processor(images=image, return_tensors="pt")["pixel_values"][0],
        lambda batch: whole(pixel_values=batch.to(place, kind)).last_hidden_state[:, 0],
    )


# ours


def step(work: Work) -> Measured:
    """The pipeline's own step, by its own executor, from photos on disk to shards on disk."""
    from manifests.draft import Draft
    from manifests.lineage import Lineage
    from manifests.manifest import Manifest
    from manifests.storage import Folder
    from pipeline.config.settings import WorkerSettings
    from pipeline.executors.local_executor import LocalExecutor
    from pipeline.executors.worker import Job
    from stages.embed.settings import EmbedSettings
    from stages.embed.stage import Embed

    stage = Embed(EmbedSettings.model_validate({"encoders": work.encoders, "precision": work.precision}))
    stage.external_state()
    with tempfile.TemporaryDirectory() as root, LocalExecutor() as executor:
        images = _images(Folder(f"{root}/images"), work)
        tasks = stage.plan({"images": images})
        lineage = Lineage("embeddings", "embed 1", "embeddings 1", {}, {}, {})
        Draft.begin(Folder(f"{root}/embeddings"), lineage, [task.to_json() for task in tasks])
        job = Job(stage, Folder(f"{root}/embeddings"), {"images": Manifest.open(images.folder).folder}, 0.0)
        return _steady(executor.execute(job, tasks, WorkerSettings()))


def _images(folder: Any, work: Work) -> Any:
    """The photos as a committed images table, in four shards a worker."""
    from manifests.draft import Draft
    from manifests.lineage import Lineage
    from manifests.shard import write_shard
    from stages.download.settings import DownloadSettings
    from stages.download.stage import Download

    source = {"name": "photos", "kind": "folder", "uri": str(work.photos)}
    rows = 1000 if work.gpu else max(8, len(work.files) // (4 * work.cores))
    download = Download(DownloadSettings.model_validate({"sources": [source], "shard_rows": rows}))
    tasks = download.plan({})
    draft = Draft.begin(folder, Lineage("images", "download 1", "images 2", {}, {}, {}), [t.to_json() for t in tasks])
    made = {t.name: write_shard(folder, t.name, download.schema(), download.process(t, {})) for t in tasks}
    return draft.commit(made)


def _steady(outcomes: Iterator[Any]) -> Measured:
    """Images a second while all workers were at work, without each one's first shard: as `plan` reckons it."""
    from pipeline.plan.rehearsal.pace import Beat, pace_of

    beats, busy = [], []
    for outcome in outcomes:
        assert outcome.receipt is not None, outcome
        beats.append(Beat(outcome.where, time.monotonic(), outcome.receipt.rows, outcome.seconds))
        busy += [] if outcome.gpu_use is None else [outcome.gpu_use]
    return Measured(pace_of(beats).rate, sum(busy) / len(busy) if busy else None)


def two_passes(work: Work) -> Measured:
    """The same step, an encoder at a time: each photo is read and decoded twice."""
    return _one_after_another(step, work)


def _one_after_another(way: Callable[[Work], Measured], work: Work) -> Measured:
    alone = [replace(work, encoders={name: settings}) for name, settings in work.encoders.items()]
    return Measured(1 / sum(1 / way(one).rate for one in alone))


# what a user would write


def data_loader(work: Work) -> Measured:
    """A Dataset that decodes once and prepares for both models, a DataLoader with a process a core, one loop."""
    return _loop(work, BATCH if not work.gpu else GPU_BATCH, keep=lambda vectors: vectors.float().cpu().numpy())


def clip_retrieval(work: Work) -> Measured:
    """As clip-retrieval's reader and mapper do, written anew: a model at a time, 256 together, 4 processes, float16."""

    def keep(vectors: Any) -> np.ndarray:
        import torch

        return (vectors / vectors.norm(dim=-1, keepdim=True)).cpu().to(torch.float16).numpy()

    return _one_after_another(lambda one: _loop(one, 256, keep, processes=4), work)


def _loop(work: Work, batch: int, keep: Callable[[Any], np.ndarray], processes: int | None = None) -> Measured:
    import torch
    from torch.utils.data import DataLoader

    towers = [_tower(settings, work) for settings in work.encoders.values()]
    photos = _Photos(work.files, [prepare for prepare, _ in towers])
    loader = DataLoader(photos, batch_size=batch, num_workers=processes or work.cores, pin_memory=work.gpu)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for _, forward in towers:
            forward(torch.zeros(2, 3, 224, 224))
        began = time.perf_counter()
        vectors = [[keep(forward(there)) for (_, forward), there in zip(towers, one, strict=True)] for one in loader]
        for place in range(len(towers)):
            np.save(f"{folder}/{place}.npy", np.concatenate([one[place] for one in vectors]))
        return Measured(len(photos) / (time.perf_counter() - began))


class _Photos:
    """What a DataLoader is given: photo -> its tensor for each model."""

    def __init__(self, files: list[Path], prepare: list[Callable[[Any], Any]]) -> None:
        self._files, self._prepare = files, prepare

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, place: int) -> list[Any]:
        image = _opened(self._files[place])
        return [prepare(image) for prepare in self._prepare]


WAYS: dict[str, Callable[[Work], Measured]] = {
    "bare loop": bare,
    "bare loop, batches of 32": bare_by_32,
    "our step": step,
    "our step, two passes": two_passes,
    "DataLoader loop": data_loader,
    "clip-retrieval's way": clip_retrieval,
}
