"""Whether memory grows with the number of images: `make bench-memory`.

Draws scenes, runs the whole pipeline on them with the built-in encoders, and watches the resident
memory of the driver and its workers twenty times a second. The scenes are packed by a process of
their own beforehand. `--torch`: two tiny networks in their place, and embedding alone. (Up to sketch.draw, 8,192
images, what the directions are fitted on grows with them.)

    python -m tests.benchmarks.memory [--scenes 10000 20000] [--within 0.15] [--torch]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

PACK = """
import sys
from pathlib import Path
from pipeline.drawing.shards import pack
pack(Path(sys.argv[1]), int(sys.argv[2]))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenes", type=int, nargs="+", default=[10_000, 20_000])
    parser.add_argument("--within", type=float, default=0.15)
    parser.add_argument("--torch", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        more = _networks(Path(folder)) if asked.torch else []
        peaks = [_measured(count, more) for count in asked.scenes]
    growth = [peak / peaks[0] - 1 for peak in peaks]
    print(f"largest growth against {asked.scenes[0]:,} scenes: {max(growth):+.1%} (allowed {asked.within:.0%})")
    sys.exit(max(growth) > asked.within)


def _networks(folder: Path) -> list[str]:
    """Words that put two tiny networks of the real kinds in the place of the built-in encoders."""
    from tests.world.checkpoints import dinov2_checkpoint, open_clip_checkpoint

    clip, dino = open_clip_checkpoint(folder / "clip"), dinov2_checkpoint(folder / "dino")
    encoders = (
        f"{{colour: {{kind: open_clip, model: 'local-dir:{clip}'}}, structure: {{kind: transformers, model: {dino}}}}}"
    )
    return ["--set", f"embed.encoders={encoders}", "--until", "embeddings"]


def _measured(count: int, more: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", PACK, f"{folder}/scenes", str(count)], check=True)
        began = time.monotonic()
        words = ["run", "demo", "--set", f"images.sources.0.uri={folder}/scenes/*.tar", "--root", folder, *more]
        driver = subprocess.Popen([sys.executable, "-m", "pipeline.cli.app", *words], stdout=subprocess.DEVNULL)
        together, largest = _watched(driver)
        assert driver.returncode == 0
    print(
        f"{count:>7,} scenes: {together / 2**20:6.0f} MiB together, {largest / 2**20:6.0f} MiB the largest process, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    return together


def _watched(driver: subprocess.Popen[bytes]) -> tuple[int, int]:
    together = largest = 0
    while driver.poll() is None:
        sizes = _sizes(driver.pid)
        together, largest = max(together, sum(sizes)), max(largest, *sizes, 0)
        time.sleep(0.05)
    return together, largest


def _sizes(pid: int) -> list[int]:
    try:
        process = psutil.Process(pid)
        return [one.memory_info().rss for one in (process, *process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


if __name__ == "__main__":
    main()
