"""Write: store the leaderboard of a finished evaluation beside its manifests."""

from __future__ import annotations

from manifests.storage import Folder
from pipeline.reports.leaderboard.gather import gather
from pipeline.reports.leaderboard.page import render
from pipeline.run.layout import LEADERBOARD


def write_leaderboard(folder: Folder) -> str:
    """Write `leaderboard.html` into the evaluation's folder, atomically, and return its path.

    Raises NotCommitted if its questions, answers or scores are not finished.
    """
    board = gather(folder)
    with folder.aside(LEADERBOARD) as path, path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(render(board))
    return f"{folder.url}/{LEADERBOARD}"
