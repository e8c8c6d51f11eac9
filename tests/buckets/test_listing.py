"""Listing a source in a bucket: the files of a disk in the same order, by few requests."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world.downloads import stage_of
from world.store import Bucket

from manifests.errors import Refused
from stages.download.listing import files_below, files_matching
from stages.download.settings import ShardsSettings

PLACES = itertools.count()
names = st.lists(st.sampled_from(["a", "b", "a-", "a.", "a b", "é", "日", "A", "10", "9"]), min_size=1, max_size=4)
trees = st.lists(names.map("/".join), unique=True, min_size=1, max_size=9)


def without_files_that_are_folders(paths: list[str]) -> list[str]:
    """A disk cannot have both `a` and `a/b`."""
    return [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]


@given(every=trees, after=st.none() | names.map("/".join), to=st.none() | names.map("/".join))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_bucket_has_the_files_of_a_disk_in_the_same_order(
    every: list[str], after: str | None, to: str | None, bucket: Bucket, tmp_path: Path
) -> None:
    place = f"{next(PLACES)}"
    for path in without_files_that_are_folders(every):
        (tmp_path / place / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place / path).write_bytes(path.encode())
    url = bucket.upload(tmp_path / place, place)
    here = [(file.name, file.size) for file in files_below(str(tmp_path / place), after, to)]
    there = list(files_below(url, after, to))
    assert [(file.name, file.size) for file in there] == here
    assert [file.uri for file in there] == [f"{url}/{name}" for name, _ in here]


@given(every=st.lists(st.sampled_from(["00", "01", "2", "a b", "é", "x[1]", "A"]), unique=True, min_size=1))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_glob_and_braces_name_the_same_tars_in_a_bucket_and_on_a_disk(
    every: list[str], bucket: Bucket, tmp_path: Path
) -> None:
    (folder := tmp_path / f"{next(PLACES)}").mkdir()
    for name in every:
        (folder / f"{name}.tar").write_bytes(name.encode())
    url = bucket.upload(folder, folder.name)
    for pattern in ("*.tar", "[0-9A]*.tar", "?.tar", "{" + ",".join([*every, every[0]]) + "}.tar", "x[1].tar"):
        assert matched(f"{url}/{pattern}", url) == matched(f"{folder}/{pattern}", str(folder)), pattern


def matched(pattern: str, root: str) -> list[tuple[str, str, int]] | None:
    source = ShardsSettings(name="some", kind="shards", uri=pattern)
    try:
        return [(file.name, file.uri.removeprefix(root), file.size) for file in files_matching(source, pattern)]
    except Refused:
        return None


def test_folders_outside_the_bounds_are_not_listed(bucket: Bucket) -> None:
    bucket.fill([f"photos/{folder}/{n}.jpg" for folder in "abcdef" for n in range(3)])
    assert [file.name for file in files_below(bucket.url("photos"), "c/1.jpg", "d/0.jpg")] == ["c/2.jpg", "d/0.jpg"]
    assert bucket.proxy.counted() == {"list": 3}  # photos, c and d


def test_the_next_stretch_of_a_worker_lists_no_folder_again(bucket: Bucket) -> None:
    bucket.fill([f"photos/{n:04d}.jpg" for n in range(40)])
    stretches = [(None, "0009.jpg"), ("0009.jpg", "0019.jpg"), ("0019.jpg", None)]
    assert [len(list(files_below(bucket.url("photos"), *stretch))) for stretch in stretches] == [10, 10, 20]
    assert bucket.proxy.counted() == {"list": 1}


def test_thousands_of_tars_are_listed_a_thousand_at_a_time(bucket: Bucket) -> None:
    bucket.fill([f"tars/{n:04d}.tar" for n in range(2000)], size=1024)
    for pattern in ("{0000..1999}.tar", "*.tar"):
        bucket.proxy.asked.clear()
        stage = stage_of("shards", bucket.url(f"tars/{pattern}"))
        assert len(stage.plan({})) == 2000
        assert bucket.proxy.counted() == {"list": 2, "get": 1}  # the get asks whether anybody is there


def test_a_few_tars_of_a_large_folder_are_asked_for_by_name(bucket: Bucket) -> None:
    bucket.fill([f"tars/{n:04d}.tar" for n in range(1500)])
    stage_of("shards", bucket.url("tars/{0007..0009}.tar")).plan({})
    assert bucket.proxy.counted() == {"head": 3, "get": 1}


def test_an_empty_file_that_marks_a_folder_is_no_file(bucket: Bucket) -> None:
    for key in ("photos/", "photos/a/", "photos/a/1.jpg"):
        bucket.put(key, b"")
    assert [file.name for file in files_below(bucket.url("photos"))] == ["a/1.jpg"]


def test_names_no_path_can_be_are_refused(bucket: Bucket) -> None:
    bucket.put("photos/a//1.jpg", b"")
    with pytest.raises(Refused, match='"//"'):
        list(files_below(bucket.url("photos")))


def test_a_file_and_a_folder_of_one_name_are_both_seen(bucket: Bucket) -> None:
    for key in ("photos/a", "photos/a/1.jpg", "photos/a.jpg"):
        bucket.put(key, b"1")
    assert [file.name for file in files_below(bucket.url("photos"))] == ["a", "a.jpg", "a/1.jpg"]


@pytest.mark.parametrize("pattern", ["{a,gone}.tar", "gone.tar", "*.gone", "nowhere/*.tar", "{000..030}.tar"])
def test_a_tar_that_is_not_there_is_refused_by_name(bucket: Bucket, pattern: str) -> None:
    bucket.put("a.tar", b"1")
    with pytest.raises(Refused, match=r"source some: s3://.*(gone|nowhere|000)"):
        stage_of("shards", bucket.url(pattern)).external_state()


def test_a_source_that_changed_is_found_changed(bucket: Bucket) -> None:
    bucket.put("photos/a.jpg", b"1")
    stage = stage_of("folder", bucket.url("photos"))
    before = stage.external_state()
    assert stage.external_state() == before
    bucket.put("photos/b.jpg", b"1")
    assert stage.external_state() != before
