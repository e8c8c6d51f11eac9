"""Write: the report of a finished run, beside its manifests."""

from __future__ import annotations

from pipeline.reports.gallery.gather import gather
from pipeline.reports.gallery.page import render
from pipeline.run.layout import GALLERY, run_folder


def write_report(run: str) -> str:
    """Write `report.html` into the run's folder, whole or not at all; where it lies.

    What was kept beside these pairs (the demo's truth) and candidates (an audit) is shown with them.
    Raises NotCommitted where a step of the run is not finished.
    """
    folder = run_folder(run)
    facts = gather(folder)
    with folder.aside(GALLERY) as path, path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(render(facts))
    return f"{folder.url}/{GALLERY}"
