"""Write: the report of a finished run, beside its manifests."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report.facts import Planted
from pipeline.report.gather import gather
from pipeline.report.page import render
from pipeline.runs import GALLERY, run_folder


def write_report(run: str, planted: Sequence[Planted] | None = None) -> str:
    """Write `report.html` into the run's folder, whole or not at all; where it lies.

    `planted` adds a table of pairs that were put there on purpose (the demo's truth).
    Raises NotCommitted where a step of the run is not finished.
    """
    folder = run_folder(run)
    facts = gather(folder, planted)
    with folder.aside(GALLERY) as path, path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(render(facts))
    return f"{folder.url}/{GALLERY}"
