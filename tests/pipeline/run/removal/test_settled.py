"""What was decided about a removal: read again after a kill, but not where an earlier version wrote it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from manifests.errors import Refused
from manifests.manifest import json_bytes
from manifests.storage import Folder
from pipeline.run.removal.removable import RUN
from pipeline.run.removal.settled import SETTLED, Settled
from stages.copies.removal import CopiesChange
from stages.removal import Change
from stages.search.removal import TilesChange


def test_each_step_has_its_own_kind_of_change_again_for_this_removal_only(tmp_path: Path) -> None:
    copies = CopiesChange(1, ["00000"], {"a": "b"}, alone=["c"], seen={"00000": 2})
    tiles = TilesChange(3, ["00000-00000"], {"a": "b"}, seen=[2], compared=[1])
    changes = {"images": Change(1, ["00000"]), "copies": copies, "candidates": tiles}
    settled = Settled("now", {"images": {"fingerprint": "content"}}, changes)
    settled.write(Folder(str(tmp_path)))
    found = Settled.read(Folder(str(tmp_path)), "now", RUN.changes)
    assert found is not None
    assert {step: type(change) for step, change in found.changes.items()} == {
        "images": Change,
        "copies": CopiesChange,
        "candidates": TilesChange,
    }
    assert json_bytes(asdict(found)) == json_bytes(asdict(settled))
    assert Settled.read(Folder(str(tmp_path)), "another time", RUN.changes) is None


def test_what_an_earlier_version_decided_is_left_to_that_version(tmp_path: Path) -> None:
    Folder(str(tmp_path)).write(SETTLED, json_bytes({"at": "now", "rows": {}, "touched": {}, "was": {}}))
    with pytest.raises(Refused, match="finish the removal with that version"):
        Settled.read(Folder(str(tmp_path)), "now", RUN.changes)
