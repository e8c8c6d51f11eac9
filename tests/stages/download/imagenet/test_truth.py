"""The validation images: their classes come from a list, and a list that is not theirs is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from world.downloads import Downloaded, download, downloaded, stage_of
from world.ilsvrc import SYNSETS, pack_devkit, timms_words, truth_of, validation, write_devkit
from world.pictures import jpeg
from world.tars import packed

from manifests.errors import Refused
from stages.base import Task

PHOTOS = validation()
TRUTH = truth_of(PHOTOS)


def expected() -> dict[str, str]:
    return {hashlib.sha256(data).hexdigest(): synset for data, synset in zip(PHOTOS.values(), TRUTH, strict=True)}


def tar(folder: Path) -> Path:
    """The validation tar, its members in no order."""
    path = folder / "ILSVRC2012_img_val.tar"
    path.write_bytes(packed(sorted(PHOTOS.items(), key=lambda one: hashlib.sha256(one[1]).digest())))
    return path


def unpacked(folder: Path) -> Path:
    for name, data in PHOTOS.items():
        (folder / "val").mkdir(exist_ok=True)
        (folder / "val" / name).write_bytes(data)
    return folder / "val"


def synsets(folder: Path, lines: list[str] = TRUTH) -> Path:
    path = folder / "synsets.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def kaggles(folder: Path) -> Path:
    path = folder / "LOC_val_solution.csv"
    rows = [f"{name[:-5]},{synset} 1 2 3 4 {synset} 5 6 7 8 " for name, synset in zip(PHOTOS, TRUTH, strict=True)]
    path.write_text("\n".join(["ImageId,PredictionString", *reversed(rows)]) + "\n")
    return path


def packed_devkit(folder: Path) -> Path:
    return pack_devkit(write_devkit(folder, TRUTH))


def ground_truth(folder: Path) -> Path:
    return write_devkit(folder, TRUTH) / "data" / "ILSVRC2012_validation_ground_truth.txt"


def said(got: Downloaded) -> dict[str, str]:
    assert {(row["split"], row["class_name"]) for row in got.rows} <= {
        ("validation", timms_words()[synset]) for synset in SYNSETS
    }
    return {row["sha256"]: row["label"] for row in got.rows}


def refused(uri: Path, **source: object) -> str:
    with pytest.raises(Refused) as caught:
        downloaded(stage_of("imagenet", uri, **source))
    return str(caught.value)


LISTS = [synsets, kaggles, packed_devkit, lambda folder: write_devkit(folder, TRUTH), ground_truth]


@pytest.mark.parametrize("truth", LISTS, ids=["synsets", "kaggle", "devkit.tar.gz", "devkit", "its ground truth"])
@pytest.mark.parametrize("form", [tar, unpacked])
def test_each_list_gives_each_image_its_class(
    form: Callable[[Path], Path], truth: Callable[[Path], Path], tmp_path: Path
) -> None:
    got = download("imagenet", form(tmp_path), truth=str(truth(tmp_path)), shard_rows=5)
    assert said(got) == expected()
    assert not got.counts.aside


def test_a_devkit_in_a_bucket_is_read_as_one_on_a_disk(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe_file("/devkit-bucket/devkit.tar.gz", packed_devkit(tmp_path).read_bytes())
    store.pipe_file("/devkit-bucket/ILSVRC2012_img_val.tar", tar(tmp_path).read_bytes())
    uri, truth = "memory://devkit-bucket/ILSVRC2012_img_val.tar", "memory://devkit-bucket/devkit.tar.gz"
    assert said(download("imagenet", uri, truth=truth)) == expected()


@pytest.mark.parametrize("form", [tar, unpacked])
def test_without_a_list_the_images_have_no_class_and_that_is_counted(
    form: Callable[[Path], Path], tmp_path: Path
) -> None:
    got = download("imagenet", form(tmp_path))
    assert {(row["label"], row["class_name"], row["split"]) for row in got.rows} == {(None, None, "validation")}
    assert got.counts.aside == {"(images without a class)": len(PHOTOS)}


def test_numbers_with_gaps_go_by_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    names = ["ILSVRC2012_val_00000007.JPEG", "ILSVRC2012_val_00000100.JPEG", "ILSVRC2012_val_00000020.JPEG"]
    for place, name in enumerate(names):
        (tmp_path / "val" / name).write_bytes(jpeg(place))
    rows = download("imagenet", tmp_path, truth=str(synsets(tmp_path, list(SYNSETS[:3])))).by_key
    assert [rows[f"val/{name[:-5]}"]["label"] for name in names] == [SYNSETS[0], SYNSETS[2], SYNSETS[1]]


def test_of_a_folder_with_all_splits_only_the_validation_images_are_asked_for(tmp_path: Path) -> None:
    unpacked(tmp_path)
    for name in ("train/n01440764/n01440764_1.JPEG", "test/ILSVRC2012_test_00000001.JPEG"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(jpeg(len(name)))
    got = download("imagenet", tmp_path, truth=str(synsets(tmp_path)))
    labels = {row["split"]: row["label"] for row in got.rows if row["split"] != "validation"}
    assert labels == {"train": "n01440764", "test": None}
    assert {row["sha256"]: row["label"] for row in got.rows if row["split"] == "validation"} == expected()


# --- what is wrong with lists ---


@pytest.mark.parametrize("lines", [TRUTH[1:], [*TRUTH, TRUTH[0]]])
def test_a_list_of_another_length_is_refused(lines: list[str], tmp_path: Path) -> None:
    told = refused(tar(tmp_path), truth=str(synsets(tmp_path, lines)))
    assert f"truth has {len(lines)} lines, and 12 images have no class of their own" in told


def test_numbers_without_meta_mat_are_refused_with_what_to_give(tmp_path: Path) -> None:
    lone = tmp_path / "ground_truth.txt"
    lone.write_text("".join(f"{number}\n" for number in range(1, 13)))
    told = refused(tar(tmp_path), truth=str(lone))
    assert "no meta.mat that says which is which; give the devkit" in told


def test_a_devkit_whose_meta_mat_is_broken_or_knows_less_is_refused(tmp_path: Path) -> None:
    devkit = write_devkit(tmp_path, TRUTH)
    (devkit / "data" / "ILSVRC2012_validation_ground_truth.txt").write_text("999\n" * 12)
    assert "holds the number 999, which meta.mat does not know" in refused(tar(tmp_path), truth=str(devkit))
    (devkit / "data" / "meta.mat").write_bytes(b"garbage")
    assert "meta.mat of" in refused(tar(tmp_path), truth=str(devkit))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"tench\n" * 12, "'tench', class 1, is not a synset"),
        ("a.txt", b"", "is empty"),
        ("a.txt", b"\xff\xfe\x00garbage", "is not a synset"),
        ("a.csv", b"ImageId,PredictionString\nILSVRC2012_val_00000001\n", "a line that is not ImageId"),
        ("a.tar.gz", b"garbage", "cannot be read"),
        ("a.tar.gz", b"\x1f\x8b\x08\0garbage", "cannot be read"),
    ],
)
def test_a_list_that_says_no_classes_is_refused(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert said in refused(tar(tmp_path), truth=str(tmp_path / name))


def test_a_list_that_is_not_there_or_of_other_images_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tar(tmp_path), truth=str(tmp_path / "nowhere"))
    other = kaggles(tmp_path)
    other.write_text(other.read_text().replace("00000003", "00000033"))
    assert "does not name ILSVRC2012_val_00000003" in refused(tar(tmp_path), truth=str(other))


def test_a_folder_without_the_ground_truth_is_no_devkit(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no ILSVRC2012_validation_ground_truth.txt" in refused(tar(tmp_path), truth=str(tmp_path / "empty"))


def test_a_list_that_changed_after_the_plan_fails_the_task(tmp_path: Path) -> None:
    stage = stage_of("imagenet", tar(tmp_path), truth=str(synsets(tmp_path)))
    (task,) = stage.plan({})
    synsets(tmp_path, TRUTH[::-1])
    with pytest.raises(Refused, match="changed after the run was planned"):
        list(stage.process(Task.from_json(task.to_json()), {}))


def test_a_list_for_images_that_say_their_classes_is_refused(tmp_path: Path) -> None:
    members = [("n01440764_1.jpg", jpeg()), ("n01440764_1.cls", b"0")]
    (tmp_path / "0.tar").write_bytes(packed(members))
    assert "says its classes itself" in refused(tmp_path / "0.tar", truth=str(synsets(tmp_path)))
