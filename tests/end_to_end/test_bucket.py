"""The whole job with its images and its manifests in a bucket: the same answer as on a disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pytest
from world.commands import blindpairs, demo_run
from world.in_process import answered
from world.inline import demo_here
from world.store import Bucket

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.reports.gallery.write import write_report
from pipeline.run.layout import ORDER
from pipeline.run.run import Run

PLACED = {"uri"}  # the columns that say where something lies


@pytest.fixture
def both(bucket: Bucket, scenes: Path, tmp_path: Path) -> tuple[Folder, Folder]:
    """The demo's run on a disk, and in a bucket by command."""
    write_report(Run.open(str(demo_here(scenes, tmp_path))))
    ended = blindpairs(*demo_run(bucket.upload(scenes, "scenes"), bucket.url("runs")))
    assert ended.returncode == 0, ended.stderr
    return Folder(str(tmp_path / "demo")), Folder(bucket.url("runs/demo"))


def test_a_run_in_a_bucket_finds_what_a_run_on_a_disk_finds(both: tuple[Folder, Folder], bucket: Bucket) -> None:
    here, there = both
    for step in ORDER:
        rows_are_the_same(Manifest.open(here / step), Manifest.open(there / step))
    assert Manifest.open(there / "pairs").counts.ok > 0
    assert (
        {name for name in here.sizes() if not name.startswith("_")}
        == {"report.html"}
        == {name for name in there.sizes() if not name.startswith("_")}
    )
    assert b"data:image/webp" in there.read("report.html")
    again_takes_all_there_is(bucket)


def rows_are_the_same(here: Manifest, there: Manifest) -> None:
    """Every shard has the same rows, but for where things lie, and the same counts."""
    assert [(shard.name, shard.counts) for shard in here.shards] == [(s.name, s.counts) for s in there.shards]
    columns = [name for name in here.columns if name not in PLACED]
    for shard in here.shards:
        ours, theirs = here.read(shard.name, columns), there.read(shard.name, columns)
        if "error" in columns:  # a sentence, which may name the file
            place = ours.column_names.index("error")
            same = pc.equal(pc.is_null(ours.column(place)), pc.is_null(theirs.column(place)))
            assert pc.all(same).as_py() in (True, None)
            ours, theirs = ours.remove_column(place), theirs.remove_column(place)
        assert ours.equals(theirs), shard.name


def again_takes_all_there_is(bucket: Bucket) -> None:
    """The same command makes nothing again."""
    before = {key: bucket.get(key) for key in bucket.names() if key.endswith((".parquet", "_lineage.json"))}
    bucket.proxy.asked.clear()
    ended = answered(*demo_run(bucket.url("scenes"), bucket.url("runs")))
    assert ended.returncode == 0, ended.stderr
    assert {key: bucket.get(key) for key in before} == before
    assert not [one for one in bucket.proxy.asked if one.kind == "put" and one.path.endswith(".parquet")]
