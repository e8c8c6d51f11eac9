"""How much of a bare loop's rate the embed step keeps: `make bench-embed`.

The bare loop feeds the same models tensors that were prepared beforehand; the step reads, decodes,
prepares, computes, normalises and builds its table. Both run on one core with one computing thread,
as each of a full machine's workers does, in turn, several times; the medians are compared.

    python -m tests.benchmarks.embed_rate [--photos DIR] [--clip DIR] [--dino DIR] [--images 96] [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from pathlib import Path

BESIDE = Path(__file__).parents[3] / "shared"


def main() -> None:
    asked = _arguments()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ["OMP_NUM_THREADS"] = "1"
    stage, rows = _stage(asked), _rows(asked.photos, asked.images)
    ready = _ready(stage, rows)
    bare, step = [], []
    for _ in range(asked.rounds):
        bare.append(_timed(lambda: _bare(stage, ready)))
        step.append(_timed(lambda: stage.transform(rows)))
    a, b = (asked.images / statistics.median(times) for times in (bare, step))
    print(f"{platform.machine()}, one core, {asked.images} images, {asked.rounds} rounds, medians")
    print(f"bare loop  {a:7.2f} images/s   ({min(bare):.2f} to {max(bare):.2f} s)")
    print(f"embed step {b:7.2f} images/s   ({min(step):.2f} to {max(step):.2f} s)")
    print(f"ratio      {b / a:7.3f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, default=BESIDE / "photos" / "imagenet")
    parser.add_argument("--clip", type=Path, default=BESIDE / "models" / "clip-lite-flickr8k")
    parser.add_argument("--dino", type=Path, default=BESIDE / "models" / "dinov2-small-saliency")
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if not asked.photos.is_dir():
        parser.error(f"no photos at {asked.photos}: name a folder of JPEGs and two checkpoints")
    return asked


def _stage(asked: argparse.Namespace):
    from stages.base import Machine
    from stages.embed.settings import EmbedSettings
    from stages.embed.stage import Embed

    encoders = {
        "clip": {"kind": "open_clip", "model": f"local-dir:{asked.clip}"},
        "dino": {"kind": "transformers", "model": str(asked.dino)},
    }
    stage = Embed(EmbedSettings.model_validate({"encoders": encoders}))
    stage.outside()
    stage.setup(Machine(threads=1))
    return stage


def _rows(photos: Path, images: int):
    from stages.download.settings import DownloadSettings
    from stages.download.stage import Download

    source = {"name": "photos", "kind": "folder", "uri": str(photos)}
    download = Download(DownloadSettings.model_validate({"sources": [source], "shard_rows": images}))
    return next(download.process(download.plan({})[0], {})).table


def _ready(stage, rows):
    """Batches of prepared tensors, as the models take them."""
    from stages.embed.decoding import batches

    return [[image.inputs for image in batch] for batch in batches(stage._prepared(rows), stage._machine.batch)]


def _bare(stage, ready) -> None:
    for batch in ready:
        for name, within in stage._encoders.items():
            within.encoder.encode([inputs[name] for inputs in batch])


def _timed(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
