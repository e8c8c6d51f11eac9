"""ILSVRC's tars are read in place: a task is a class or a stretch, and what was cut is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.downloads import Downloaded, download, stage_of
from world.ilsvrc import SYNSETS, class_tars, noise, validation, write_train_tar
from world.pictures import jpeg
from world.store import Bucket
from world.tars import end_of, header_size_replaced, laid_out, packed

from manifests.errors import Refused
from stages import images

PHOTOS = noise()


def written(folder: Path, data: bytes, name: str = "ILSVRC2012_img_train.tar") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return folder / name


def lost(got: Downloaded) -> list[tuple[str, str]]:
    return [(row["key"], row["status"]) for row in got.rows if row["status"] != "ok"]


def test_a_class_tar_is_a_task_that_says_where_it_lies(tmp_path: Path) -> None:
    path = write_train_tar(tmp_path, PHOTOS)
    tasks = stage_of("imagenet", path).plan({})
    lying = [(one.name, one.start, one.stop - one.start) for one in laid_out(path.read_bytes())]
    assert [(task.facts["inner"], task.facts["offset"], task.facts["length"]) for task in tasks] == lying
    assert [task.name for task in tasks] == ["some-00000", "some-00001", "some-00002", "some-00003"]


def test_a_class_tar_that_was_cut_gives_its_whole_images_and_a_row_that_says_so(tmp_path: Path) -> None:
    inner = class_tars(PHOTOS)
    second = laid_out(inner["n01443537.tar"])[1]
    inner["n01443537.tar"] = inner["n01443537.tar"][: second.start + 100]
    got = download("imagenet", written(tmp_path, packed(inner.items())))
    assert lost(got) == [("n01443537.tar", "truncated")]
    (row,) = [row for row in got.rows if row["status"] != "ok"]
    assert row["error"].startswith("n01443537.tar, at byte ")
    assert "inside the member n01443537_1.JPEG" in row["error"]
    assert got.counts.ok == len(PHOTOS) - 2


def test_an_outer_tar_that_was_cut_inside_a_class_gives_what_is_there_of_it(tmp_path: Path) -> None:
    whole = packed(class_tars(PHOTOS).items())
    third = laid_out(whole)[2]
    inside = laid_out(whole[third.start : third.stop])[1]
    got = download("imagenet", written(tmp_path, whole[: third.start + inside.stop - 10]))
    assert lost(got) == [("n02012849.tar", "truncated")]
    assert got.counts.ok == 7
    assert "so classes are missing: download the rest of it" in got.rows[-1]["error"]


def test_an_outer_tar_that_was_cut_between_classes_says_so_too(tmp_path: Path) -> None:
    whole = packed(class_tars(PHOTOS).items())
    got = download("imagenet", written(tmp_path, whole[: laid_out(whole)[2].start - 512]))
    assert (got.counts.ok, lost(got)) == (6, [("n01443537.tar", "truncated")])
    assert "is cut" in got.rows[-1]["error"]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_wherever_it_was_cut_one_row_says_so_and_no_whole_image_is_lost(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = packed(class_tars(noise(2)).items())
    size = data.draw(st.integers(0, end_of(whole) - 1))
    path = written(tmp_path_factory.getbasetemp() / "cut", whole[:size])
    if size < laid_out(whole)[0].start:
        with pytest.raises(Refused, match="none of ImageNet's forms"):
            download("imagenet", path)
        return
    got = download("imagenet", path)
    ends = [outer.start + one.stop for outer in laid_out(whole) for one in laid_out(whole[outer.start : outer.stop])]
    assert (got.counts.ok, len(lost(got))) == (sum(end <= size for end in ends), 1)


def test_what_is_no_class_tar_is_counted_and_garbage_in_its_place_is_a_row(tmp_path: Path) -> None:
    members = [("n01440764.tar", b"garbage" * 300), ("README", b"text"), *class_tars(PHOTOS).items()]
    got = download("imagenet", written(tmp_path, packed(members[:1] + members[1:2] + members[3:])))
    assert got.counts.aside == {"(members that are no tar of a class)": 1}
    assert lost(got) == [("n01440764.tar", "not_a_tar")]


def test_a_name_that_comes_twice_in_a_class_counts_once(tmp_path: Path) -> None:
    inner = packed([("n01440764_1.JPEG", jpeg()), ("n01440764_1.JPEG", jpeg(1)), ("notes.json", b"{}")])
    got = download("imagenet", written(tmp_path, packed([("n01440764.tar", inner)])))
    assert [row["status"] for row in got.rows] == ["ok", "duplicate_key"]
    assert got.counts.aside == {".json members": 1}


# --- tars of images ---


@pytest.mark.parametrize("shard_rows", [1, 5, 12, 100])
def test_a_tar_of_images_is_cut_into_stretches_that_lose_nothing(shard_rows: int, tmp_path: Path) -> None:
    photos = validation()
    long = ("a" * 90 + "/" + "b" * 120 + "/ILSVRC2012_val_00000099.JPEG", jpeg(99))
    members = [("./", b""), *((f"./{name}", data) for name, data in photos.items()), ("readme.txt", b"x"), long]
    path = written(tmp_path, packed(members, 1), "ILSVRC2012_img_val.tar")  # GNU's format: long names
    stage = stage_of("imagenet", path, shard_rows=shard_rows)
    assert len(stage.plan({})) == -(-13 // shard_rows)
    got = download("imagenet", path, shard_rows=shard_rows)
    assert [row["key"] for row in got.rows] == [*(name[:-5] for name in photos), long[0][:-5]]
    for row, data in zip(got.rows, [*photos.values(), long[1]], strict=True):
        assert images.read(row["uri"], row["offset"], row["length"]) == data


def test_a_tar_of_images_that_was_cut_says_so_in_its_last_stretch(tmp_path: Path) -> None:
    photos = validation()
    whole = packed(photos.items())
    path = written(tmp_path, whole[: laid_out(whole)[9].start + 10], "ILSVRC2012_img_val.tar")
    got = download("imagenet", path, shard_rows=4)
    assert (got.counts.ok, lost(got)) == (9, [("ILSVRC2012_img_val.tar", "truncated")])


def test_class_tars_by_a_glob_are_tars_of_images_too(tmp_path: Path) -> None:
    for name, data in class_tars(PHOTOS).items():
        written(tmp_path, data, name)
    got = download("imagenet", f"{tmp_path}/*.tar")
    assert {row["label"] for row in got.rows} == set(SYNSETS)
    assert got.counts.ok == len(PHOTOS)


def test_a_header_that_lies_about_its_size_ends_the_tar_there(tmp_path: Path) -> None:
    inner = class_tars(PHOTOS)
    inner["n02012849.tar"] = header_size_replaced(inner["n02012849.tar"], "n02012849_1.JPEG", b"77777777777")
    got = download("imagenet", written(tmp_path, packed(inner.items())))
    assert lost(got) == [("n02012849.tar", "truncated")]


def test_planning_the_class_tars_of_a_bucket_is_about_a_request_a_class(bucket: Bucket, tmp_path: Path) -> None:
    photos = {path: data + bytes(50_000) for path, data in noise(2).items()}
    url = bucket.put("ILSVRC2012_img_train.tar", write_train_tar(tmp_path, photos).read_bytes())
    stage = stage_of("imagenet", url)
    stage.external_state()
    before, sent = bucket.proxy.counted()["get"], bucket.proxy.sent()
    assert len(stage.plan({})) == len(SYNSETS)
    assert bucket.proxy.counted()["get"] - before <= len(SYNSETS) + 8
    assert bucket.proxy.sent() - sent < 2 << 20
