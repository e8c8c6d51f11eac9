"""A store that is busy, a store that cuts bodies short, a machine whose disk fills: the same bytes in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.clusters import raylet, raylets
from world.commands import blindpairs, demo_run
from world.disks import small_disk
from world.inline import demo_here
from world.store import Bucket

from manifests.storage import Folder
from pipeline.run.events.events import read_events
from pipeline.run.layout import ORDER


@pytest.fixture
def source(bucket: Bucket, scenes: Path) -> str:
    """The scenes in the bucket, and a run of them there on a day when nothing went wrong."""
    source = bucket.upload(scenes, "scenes")
    demo_here(source, bucket.url("calm"))
    return source


def steps_of(bucket: Bucket, root: str) -> dict[str, bytes]:
    prefixes = tuple(f"{root}/demo/{step}/" for step in ORDER)
    return {name.removeprefix(root): bucket.get(name) for name in bucket.names() if name.startswith(prefixes)}


def set_backs(bucket: Bucket, root: str) -> list[dict]:
    drives = read_events(Folder(bucket.url(f"{root}/demo")))
    return [event for drive in drives for event in drive if event["event"] == "set back"]


def test_a_store_that_is_busy_and_then_cuts_bodies_costs_time_only(bucket: Bucket, source: str) -> None:
    # 8: as many as one process alone bears, if all of them are its own (manifests/stores/patience.py)
    storm = {"busy": 8, "cut": 20, "only": ("get", "put", "list", "head")}
    bucket.proxy.fail_after(f"/{bucket.name}/stormy/demo/images/scenes", **storm)
    ended = blindpairs(*demo_run(source, bucket.url("stormy")))
    assert ended.returncode == 0, ended.stderr
    assert 503 in {one.status for one in bucket.proxy.asked}
    assert (bucket.proxy.faults.busy, bucket.proxy.faults.cut) == (0, 0)
    assert steps_of(bucket, "stormy") == steps_of(bucket, "calm")


def test_a_machine_whose_disk_is_full_loses_its_tasks_to_the_others(
    bucket: Bucket, source: str, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "small", "16k") as full, raylets(1) as cluster:
        raylet(cluster, env_vars={"TMPDIR": str(full)})
        ended = blindpairs(*demo_run(source, bucket.url("small"), "--ray", cluster.address))
    assert ended.returncode == 0, ended.stderr
    assert steps_of(bucket, "small") == steps_of(bucket, "calm")
    assert any("No space left on device" in event["why"] for event in set_backs(bucket, "small"))
