"""ImageNet: whatever form it lies in, its images are the same, with synset, words and split."""

from __future__ import annotations

import hashlib
from pathlib import Path

import fsspec
import pytest
from world.downloads import Downloaded, download, downloaded, stage_of
from world.ilsvrc import (
    SYNSETS,
    noise,
    timms_synsets,
    timms_words,
    write_folders,
    write_hub,
    write_table,
    write_train_tar,
    write_webdataset,
)
from world.pictures import jpeg
from world.tars import packed

from manifests.errors import Refused
from stages import images
from stages.base import PriorState, Task

PHOTOS = noise()
Said = tuple[str, str, str, str]  # sha256, label, class_name, split


def expected(split: str = "train") -> list[Said]:
    return sorted(
        (hashlib.sha256(data).hexdigest(), path[:9], timms_words()[path[:9]], split) for path, data in PHOTOS.items()
    )


def said(got: Downloaded) -> list[Said]:
    assert {row["status"] for row in got.rows} == {"ok"}
    return sorted((row["sha256"], row["label"], row["class_name"], row["split"]) for row in got.rows)


def lie(form: str, folder: Path) -> str:
    """Write the photos in this form; the uri."""
    write = {"tar": write_train_tar, "folder": write_folders, "webdataset": write_webdataset, "hub": write_hub}[form]
    return str(write(folder, PHOTOS))


@pytest.mark.parametrize("form", ["tar", "folder", "webdataset", "hub"])
def test_each_form_gives_the_same_images_with_class_and_split(form: str, tmp_path: Path) -> None:
    got = download("imagenet", lie(form, tmp_path))
    assert said(got) == expected()
    assert not got.counts.aside
    for row in got.rows:
        data = images.read(row["uri"], row["offset"], row["length"])
        assert hashlib.sha256(data).hexdigest() == row["sha256"]


@pytest.mark.parametrize("form", ["tar", "folder", "webdataset", "hub"])
def test_a_bucket_gives_the_rows_that_a_disk_gives(form: str, tmp_path: Path) -> None:
    uri, store = lie(form, tmp_path), fsspec.filesystem("memory")
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        store.pipe_file(f"/imagenet-{form}/{path.relative_to(tmp_path)}", path.read_bytes())
    there = download("imagenet", uri.replace(str(tmp_path), f"memory://imagenet-{form}"))
    here = download("imagenet", uri)
    assert [{**row, "uri": None} for row in there.rows] == [{**row, "uri": None} for row in here.rows]


def test_the_tar_and_what_was_unpacked_of_it_name_their_images_alike(tmp_path: Path) -> None:
    tar, folder = (download("imagenet", uri) for uri in (lie("tar", tmp_path), f"{lie('folder', tmp_path)}/train"))
    assert [row["image_id"] for row in tar.rows] == [row["image_id"] for row in folder.rows]


def test_the_split_that_the_recipe_names_counts_more_than_names(tmp_path: Path) -> None:
    assert said(download("imagenet", lie("hub", tmp_path), split="validation")) == expected("validation")


@pytest.mark.parametrize(
    ("folder", "split"), [("val/n01440764", "validation"), ("n01440764", "train"), ("test/n01440764", "test")]
)
def test_folders_say_the_split_and_else_the_images_names(folder: str, split: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "n01440764_1.JPEG").write_bytes(jpeg())
    (row,) = download("imagenet", tmp_path).rows
    assert (row["label"], row["split"]) == ("n01440764", split)


# --- classes that other names say ---


def test_shards_whose_names_say_no_class_have_it_by_index(tmp_path: Path) -> None:
    members = [("0.jpg", jpeg()), ("0.cls", b"134"), ("1.jpg", jpeg(1)), ("1.json", b'{"label": 517}')]
    members += [("2.jpg", jpeg(2)), ("2.cls", b"4000"), ("3.jpg", jpeg(3)), ("3.cls", b"n00007846")]
    (tmp_path / "imagenet-validation-00.tar").write_bytes(packed(members))
    rows = download("imagenet", tmp_path / "imagenet-validation-00.tar").rows
    assert [row["label"] for row in rows] == ["n02012849", "n03126707", "4000", "n00007846"]
    assert [row["class_name"] for row in rows] == ["crane", "crane", None, None]
    assert {row["split"] for row in rows} == {"validation"}


def test_a_table_without_paths_has_its_classes_by_words_and_those_of_two_classes_by_their_place(
    tmp_path: Path,
) -> None:
    labels = [timms_synsets().index(synset) for synset in SYNSETS]
    structs = [{"bytes": jpeg(place), "path": None} for place in range(len(labels))]
    write_table(tmp_path / "train-0.parquet", structs, labels)
    assert [row["label"] for row in download("imagenet", tmp_path).rows] == list(SYNSETS)


def test_a_subset_has_the_classes_its_own_list_names(tmp_path: Path) -> None:
    structs = [{"bytes": jpeg(place), "path": None} for place in range(4)]
    names = ["goldfish, Carassius auratus", "n01440764", "a class of its own", "crane"]
    write_table(tmp_path / "0.parquet", structs, [0, 1, 2, 3], names=names)
    rows = download("imagenet", tmp_path).rows
    assert [row["label"] for row in rows] == ["n01443537", "n01440764", "a class of its own", "crane"]
    assert [row["class_name"] for row in rows][:3] == ["goldfish, Carassius auratus", "tench, Tinca tinca", None]


def test_the_hubs_test_images_have_no_class(tmp_path: Path) -> None:
    structs = [{"bytes": jpeg(), "path": "ILSVRC2012_test_00000001.JPEG"}]
    write_table(tmp_path / "test-00000-of-00001.parquet", structs, [-1])
    got = download("imagenet", tmp_path)
    assert [(row["label"], row["class_name"], row["split"]) for row in got.rows] == [(None, None, "test")]
    assert got.counts.aside == {"(images without a class)": 1}


def test_synsets_beyond_the_thousand_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "n00007846").mkdir()
    (tmp_path / "n00007846" / "n00007846_1.JPEG").write_bytes(jpeg())
    (row,) = download("imagenet", tmp_path).rows
    assert (row["label"], row["class_name"]) == ("n00007846", None)


def test_what_the_files_say_of_split_and_words_counts(tmp_path: Path) -> None:
    members = [("0.jpg", jpeg()), ("0.json", b'{"label": "n00007846", "class_name": "person", "split": "val"}')]
    (tmp_path / "train-0.tar").write_bytes(packed(members))
    (row,) = download("imagenet", tmp_path / "train-0.tar").rows
    assert (row["label"], row["class_name"], row["split"]) == ("n00007846", "person", "validation")


# --- growth ---


@pytest.mark.parametrize("form", ["webdataset", "hub"])
def test_shards_and_tables_may_become_more(form: str, tmp_path: Path) -> None:
    uri = lie(form, tmp_path)
    stage = stage_of("imagenet", uri)
    before = PriorState(tuple(Task.from_json(task.to_json()) for task in stage.plan({})), 1, {"found": {}})
    last = sorted(tmp_path.iterdir())[-1]
    more = last.with_name(last.name.replace("train-", "train-+"))
    more.write_bytes(last.read_bytes())
    tasks = stage.extended(before, {})
    assert tuple(tasks[:-1]) == before.tasks
    assert tasks[-1].facts["uri"] == str(more)


@pytest.mark.parametrize("form", ["tar", "folder"])
def test_ilsvrcs_own_tars_and_folders_do_not_grow(form: str, tmp_path: Path) -> None:
    uri = lie(form, tmp_path)
    stage = stage_of("imagenet", uri)
    then = stage.external_state()
    before = PriorState(tuple(Task.from_json(task.to_json()) for task in stage.plan({})), 1, then)
    assert tuple(stage.extended(before, {})) == before.tasks
    if form == "tar":
        Path(uri).write_bytes(Path(uri).read_bytes() + bytes(10_240))
    else:
        (Path(uri) / "train" / SYNSETS[0] / "new.JPEG").write_bytes(jpeg())
    with pytest.raises(Refused, match="changed; only WebDataset and Parquet grow"):
        stage.extended(before, {})
    assert stage.extended(PriorState(before.tasks, 0, then), {})[0].name == f"some-{len(before.tasks):05d}"


# --- what is none of it ---


def test_a_folder_with_none_of_the_forms_is_refused_and_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(jpeg())
    with pytest.raises(Refused, match=r"none of ImageNet's forms; such are ILSVRC2012_img_train\.tar .* Parquet files"):
        stage_of("imagenet", tmp_path).external_state()


def test_a_folder_of_tars_is_refused_and_they_are_to_be_named(tmp_path: Path) -> None:
    lie("tar", tmp_path)
    with pytest.raises(Refused, match=r"a folder with tars; name these, such as .*img_train\.tar"):
        stage_of("imagenet", tmp_path).external_state()


@pytest.mark.parametrize("content", [b"garbage" * 200, b"", packed([("a.jpg", jpeg())]), packed([("a.txt", b"")])])
def test_a_file_that_is_none_of_the_forms_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(Refused, match="none of ImageNet's forms"):
        stage_of("imagenet", tmp_path / "a.tar").external_state()


def test_a_table_without_images_is_refused(tmp_path: Path) -> None:
    fsspec.filesystem("memory")
    (tmp_path / "a.parquet").write_bytes(b"garbage")
    with pytest.raises(Refused, match="cannot be read as Parquet"):
        stage_of("imagenet", tmp_path).external_state()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        downloaded(stage_of("imagenet", tmp_path / "nowhere"))
