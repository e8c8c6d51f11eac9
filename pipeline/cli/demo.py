"""Demo: the whole main job on drawn scenes, so that the truth is known. Downloads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.config.loading import read_config
from pipeline.drawing.shards import pack
from pipeline.executors.choice import executor_for
from pipeline.reports.gallery.planted import write_planted
from pipeline.reports.gallery.verdict import verdict
from pipeline.reports.gallery.write import write_report
from pipeline.run.events.broadcast import broadcast
from pipeline.run.recipe import steps
from pipeline.run.run import Run
from pipeline.run.runner import run
from stages.download.listing import literally


def demo(out: Path, scenes: int, ray: str | None = None) -> str:
    """Draw `scenes` scenes below `out`, run the real pipeline on them, and say what it found and missed."""
    planted = pack(out / "scenes", scenes)
    config = read_config("demo", [f"images.sources.0.uri={literally(str(out / 'scenes'))}/*.tar"])
    folder = Folder(str(out / "runs")) / config.run
    told: list[str] = []

    def judge(manifests: Mapping[str, Manifest]) -> None:
        judged = verdict(planted, config.images.sources[0].name, manifests)
        write_planted(folder, manifests["pairs"], judged.rows)
        told.append(f"{judged}\ngallery: {write_report(Run(folder))}")

    with executor_for(ray) as executor, broadcast(folder, "demo", executor) as listener:
        run(steps(config), folder, executor, listener, judge)
    return told[0]
