"""Demo: the whole main job on drawn scenes, so that the truth is known. Downloads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.benchmark.drawn import write_drawn
from pipeline.benchmark.freeze import freeze
from pipeline.config.loading import read_config
from pipeline.drawing.shards import Planted, pack
from pipeline.executors.choice import executor_for
from pipeline.reports.gallery.planted import write_planted
from pipeline.reports.gallery.verdict import verdict
from pipeline.reports.gallery.write import write_report
from pipeline.run.events.broadcast import broadcast
from pipeline.run.recipe import steps
from pipeline.run.run import Run
from pipeline.run.runner import run
from stages.download.listing import literally

BUILT_IN = ("oracle=oracle", "always-a=always_a", "coin=coin")  # models that are asked without weights


def demo(out: Path, scenes: int, ray: str | None = None, *, evaluate: bool = False) -> str:
    """Draw `scenes` scenes below `out`, run the real pipeline on them, and say what it found and missed.

    `evaluate`: then freeze questions about the pairs it found, ask the built-in models, and show their scores.
    """
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
    return told[0] + (_evaluated(folder, config.images.sources[0].name, planted, ray) if evaluate else "")


def _evaluated(folder: Folder, source: str, planted: Sequence[Planted], ray: str | None) -> str:
    """Freeze questions about the planted pairs, ask the built-in models, and return their scores as text."""
    from pipeline.launch.evaluate import evaluate, of_run

    patterns = {pair.ids(source): pair.pattern for pair in planted}
    write_drawn(Run(folder), patterns)
    freeze(Run(folder))
    return f"\n\n{evaluate(of_run(folder.url, BUILT_IN), ray)}"
