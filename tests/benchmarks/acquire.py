"""How much of img2dataset's own rate fetching keeps: `python -m tests.benchmarks.acquire`.

Both fetch the same images of about 100 KB from one server on loopback, as served, with the same number of threads
and one process, start-up included: img2dataset by its own `download`, in a fresh interpreter, and `fetched` with all
its rules and its journal. They take turns; the medians are compared. What a list of one URL takes is the start-up.
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
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from world.web import Site, web  # noqa: E402 - as the tests know it

ALONE = """
import json, sys
from img2dataset import download
if __name__ == "__main__":
    download(**json.loads(sys.argv[1]))
"""
QUIET = {"NO_ALBUMENTATIONS_UPDATE": "1", "WANDB_MODE": "disabled"}


def main() -> None:
    asked = _arguments()
    took: dict[str, list[float]] = {"img2dataset": [], "fetched": []}
    with tempfile.TemporaryDirectory() as folder, web(Path(folder)) as site:
        ways = {"img2dataset": _alone, "fetched": _fetched}
        starts = {name: _timed(way, _urls(site, 1, -1), asked) for name, way in ways.items()}
        for turn in range(asked.rounds):
            for name, way in list(ways.items())[:: 1 if turn % 2 else -1]:
                took[name].append(_timed(way, _urls(site, asked.images, turn), asked))
    _say(asked, took, starts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--per-host", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _urls(site: Site, images: int, turn: int) -> list[str]:
    return [site.url(f"large/{turn}/{number}.jpg") for number in range(images)]


def _timed(way: Callable[..., int], urls: Sequence[str], asked: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        came = way(urls, Path(folder), asked)
        took = time.perf_counter() - began
    assert came == len(urls), f"{came} of {len(urls)} came"
    return took


def _alone(urls: Sequence[str], folder: Path, asked: argparse.Namespace) -> int:
    (folder / "urls.txt").write_text("\n".join(urls))
    how = {
        "url_list": str(folder / "urls.txt"),
        "output_folder": str(folder / "out"),
        "processes_count": 1,
        "thread_count": asked.threads,
        "output_format": "webdataset",
        "disable_all_reencoding": True,
        "number_sample_per_shard": len(urls),
        "timeout": 20,
    }
    words = [sys.executable, "-c", ALONE, json.dumps(how)]
    subprocess.run(words, env={**os.environ, **QUIET}, check=True, capture_output=True)
    return sum(json.loads(path.read_text())["successes"] for path in (folder / "out").glob("*_stats.json"))


def _fetched(urls: Sequence[str], folder: Path, asked: argparse.Namespace) -> int:
    from stages.download.fetch.fetching import fetched
    from stages.download.fetch.settings import FetchSettings

    allow = ("127.0.0.2",)
    how = FetchSettings(contact="me@example.org", allow=allow, threads=asked.threads, per_host=asked.per_host)
    table = fetched(urls, how, None, folder, folder / "journal", 0)
    return table.column("status").to_pylist().count("ok")


def _say(asked: argparse.Namespace, took: dict[str, list[float]], starts: dict[str, float]) -> None:
    middle = {name: statistics.median(times) for name, times in took.items()}
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {asked.images} images of about 100 KB, {asked.threads} threads"
    )
    for name, times in took.items():
        rate, share = asked.images / middle[name], starts[name] / middle[name]
        later = asked.images / max(middle[name] - starts[name], 1e-9)
        spread = f"{min(times):.1f} to {max(times):.1f} s"
        print(
            f"{name:12} {rate:7.1f} images/s ({spread}), start-up {starts[name]:.1f} s, {share:.0%}; then {later:.1f}/s"
        )
    print(f"ratio {middle['img2dataset'] / middle['fetched']:.2f}, start-up included")


if __name__ == "__main__":
    main()
