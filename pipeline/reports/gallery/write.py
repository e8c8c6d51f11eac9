"""Write: store the report of a finished run beside its manifests."""

from __future__ import annotations

from pipeline.reports.gallery.gather import gather
from pipeline.reports.gallery.page import render
from pipeline.run.layout import GALLERY, sweep_left
from pipeline.run.lease.lease import driving
from pipeline.run.run import Run


def write_report(run: Run) -> str:
    """Write `report.html` into the run's folder, atomically, and return its path.

    Results stored beside these pairs (the demo's truth) and candidates (an audit) are shown with them.
    Raises NotCommitted where a step of the run is not finished.
    """
    facts = gather(run)
    with run.folder.aside(GALLERY) as path, path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(render(facts))
    return f"{run}/{GALLERY}"


def rewrite_report(run: Run) -> str:
    """Write the report as `write_report` does, for a run that no process drives.

    Raises Refused while another process drives it: that process may be removing images that the report would show.
    """
    with driving(run.folder):
        sweep_left(run.folder)
        return write_report(Run.open(run.url))
