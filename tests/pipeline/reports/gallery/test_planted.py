"""The demo's check stays with the pairs it judged: their gallery can be written again, another's is without."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.audits import commit

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.shard import Part
from manifests.storage import Folder
from manifests.tables import PAIRS
from pipeline.cli.demo import demo
from pipeline.reports.gallery.facts import Planted
from pipeline.reports.gallery.planted import read_planted, write_planted
from pipeline.reports.gallery.write import write_report
from pipeline.run.layout import PLANTED
from pipeline.run.run import Run

ROWS = (Planted("count", 3, 2, 1, "1 missed by the search"), Planted("text <b>", 1, 1, 0))


def pairs(folder: Path, seen: int = 5, **settings: float) -> Manifest:
    counts = Counts(seen, 0, {"reference_cosine_too_high": seen})
    return commit(Folder(str(folder)), PAIRS, [Part(PAIRS.columns.empty_table(), counts)], {"filter": settings})


def test_rows_are_read_of_the_very_pairs_they_were_written_for(tmp_path: Path) -> None:
    run, manifest = Folder(str(tmp_path)), pairs(tmp_path / "pairs")
    assert read_planted(run, manifest) is None
    write_planted(run, manifest, ROWS)
    assert read_planted(run, manifest) == ROWS
    assert read_planted(run, pairs(tmp_path / "of other rows", seen=6)) is None
    assert read_planted(run, pairs(tmp_path / "by other settings", reference_max=0.5)) is None


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"rows": 3}', b"\xff"])
def test_rows_that_do_not_read_are_none(tmp_path: Path, text: bytes) -> None:
    run = Folder(str(tmp_path))
    run.write(PLANTED, text)
    assert read_planted(run, pairs(tmp_path / "pairs")) is None


def test_a_demos_gallery_written_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    demo(tmp_path, 40)
    gallery = tmp_path / "runs/demo/report.html"
    before = gallery.read_bytes()
    assert b'id="planted-title"' in before
    gallery.unlink()
    write_report(Run.open(str(tmp_path / "runs/demo")))
    assert gallery.read_bytes() == before
