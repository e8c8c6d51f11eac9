"""How fast the embed step is, beside what a user would write instead: `make bench-embed`.

Every way (embed_ways.py) in a process of its own, in turn, some rounds; the medians are compared, so that a
machine whose speed drifts is as unfair to one as to the other. Then where the time of one image goes. (On a GPU:
embed_gpu.py.)

    python -m tests.benchmarks.embed_rate [--photos DIR] [--clip DIR] [--dino DIR] [--images 240] [--size 500x375]
        [--rounds 3] [--ways "bare loop" "our step" ...] [--encoders clip dino] [--precision float32]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from PIL import Image

from tests.benchmarks.embed_time import where_time_goes
from tests.benchmarks.embed_ways import WAYS, Work

BESIDE = Path(__file__).parents[3] / "shared"
BUILT_IN = ("colour", "structure")
FOR_ALL = ("our step", "our step, two passes")  # that know the built-in encoders too
LIMIT, OURS = "bare loop", "our step"


def main() -> None:
    asked = _arguments()
    if asked.child:
        way, told = asked.child
        print(json.dumps(WAYS[way](_work(json.loads(told)))._asdict()))
        return
    with tempfile.TemporaryDirectory() as folder:
        photos = photos_of(asked.photos, asked.images, asked.size, Path(folder) / "photos")
        told = {"photos": str(photos), "encoders": _encoders(asked), "precision": asked.precision, "gpu": _gpu()}
        known = FOR_ALL if set(BUILT_IN) & set(asked.encoders) else WAYS
        ways = [way for way in WAYS if way in (asked.ways or known)]
        print(
            f"{platform.machine()}, {os.cpu_count()} cores, {_gpu_name() or 'no GPU'}: {asked.images} photos of "
            f"{asked.size}, {', '.join(told['encoders'])} in {asked.precision}; {asked.rounds} rounds, medians"
        )
        rates = measured(ways, told, asked.rounds)
        compare(rates)
        for name, milliseconds in where_time_goes(_work(told)).items():
            print(f"{name:<28} {milliseconds:8.2f} ms an image, one thread")


def measured(ways: list[str], told: dict[str, Any], rounds: int) -> dict[str, list[dict[str, Any]]]:
    rates: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for way in islice(cycle(ways), rounds * len(ways)):
        words = [sys.executable, "-m", "tests.benchmarks.embed_rate", "--child", way, json.dumps(told)]
        ended = subprocess.run(words, capture_output=True, text=True, env=_environment(way))
        if ended.returncode:
            sys.exit(f"{way}: {ended.stderr}")
        rates[way].append(json.loads(ended.stdout.splitlines()[-1]))
    return rates


def _environment(way: str) -> dict[str, str]:
    """Ours and the bare loop compute with a thread a process; a user's loop is left to torch's own choice."""
    one = {"OMP_NUM_THREADS": "1"} if way.startswith("bare") else {}
    return {**os.environ, **one, "HF_HUB_OFFLINE": "1"}


def compare(rates: dict[str, list[dict[str, Any]]]) -> None:
    found = {way: [one["rate"] for one in several] for way, several in rates.items()}
    ours = statistics.median(found[OURS])
    for way, each in found.items():
        middle = statistics.median(each)
        spread = f"({min(each):.2f} to {max(each):.2f})"
        print(f"{way:<28} {middle:8.2f} images/s {spread:<20} our step is {ours / middle:5.2f} x that")


def photos_of(source: Path, count: int, size: str, folder: Path) -> Path:
    """`count` JPEGs of a size such as 500x375, out of the photos below `source`, however few these are."""
    folder.mkdir()
    width, height = map(int, size.split("x"))
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for number in range(count):
        path, first = folder / f"{number:06d}.jpg", folder / f"{number % len(paths):06d}.jpg"
        if first.exists():
            path.hardlink_to(first)
            continue
        with Image.open(paths[number]) as image:
            image.convert("RGB").resize((width, height), 3).save(path, quality=90)
    return folder


def _encoders(asked: argparse.Namespace) -> dict[str, dict[str, Any]]:
    known = {name: {"kind": name} for name in BUILT_IN}
    known["clip"] = {"kind": "open_clip", "model": f"local-dir:{asked.clip}"}
    known["dino"] = {"kind": "transformers", "model": str(asked.dino)}
    return {name: known[name] for name in asked.encoders}


def _work(told: dict[str, Any]) -> Work:
    return Work(Path(told["photos"]), told["encoders"], told["gpu"], told["precision"])


def _gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _gpu_name() -> str:
    import torch

    return torch.cuda.get_device_name() if _gpu() else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path, default=BESIDE / "photos" / "imagenet")
    parser.add_argument("--clip", type=Path, default=BESIDE / "models" / "clip-lite-flickr8k")
    parser.add_argument("--dino", type=Path, default=BESIDE / "models" / "dinov2-small-saliency")
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--size", default="500x375")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS)
    parser.add_argument("--encoders", nargs=2, default=["clip", "dino"], choices=["clip", "dino", *BUILT_IN])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.child and not asked.photos.is_dir():
        parser.error(f"no photos at {asked.photos}: name a folder of photos (and two checkpoints)")
    return asked


if __name__ == "__main__":
    main()
