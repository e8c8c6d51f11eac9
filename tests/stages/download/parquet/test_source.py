"""Parquet with images in a column: every row is a row, read in place, and what the files call things is found."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.downloads import download, downloaded, stage_of
from world.ilsvrc import write_table
from world.pictures import jpeg

from manifests.errors import Refused
from stages import images
from stages import parquet_bytes as cells
from stages.base import PriorState, Task

DATA = [jpeg(number) for number in range(6)]


def hub(path: Path, **how: Any) -> Path:
    """A small file of the hub's shape; images 0 to 5 of the classes cat, dog, cat, ..."""
    path.parent.mkdir(parents=True, exist_ok=True)
    structs = [{"bytes": data, "path": f"{place}.jpg"} for place, data in enumerate(DATA)]
    return write_table(path, structs, [0, 1] * 3, names=["cat", "dog"], rows=4, **how)


def written(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def refused(uri: Path | str, **source: Any) -> str:
    with pytest.raises(Refused) as caught:
        downloaded(stage_of("parquet", uri, **source))
    return str(caught.value)


# --- what it gives ---


def test_every_row_leads_to_its_bytes(tmp_path: Path) -> None:
    got = download("parquet", hub(tmp_path / "a.parquet"))
    assert [images.read(row["uri"], row["offset"], row["length"]) for row in got.rows] == DATA
    assert [row["sha256"] for row in got.rows] == [hashlib.sha256(data).hexdigest() for data in DATA]
    assert got.rows[5]["uri"] == f"{tmp_path}/a.parquet#image.bytes[5]"
    assert (got.rows[0]["width"], got.rows[0]["format"], got.ok) == (24, "JPEG", list("012345"))


def test_a_number_is_the_class_that_the_hubs_description_says(tmp_path: Path) -> None:
    structs = [{"bytes": data, "path": None} for data in DATA[:4]]
    path = write_table(tmp_path / "a.parquet", structs, [1, -1, None, 7], names=["cat", "dog"])
    assert [row["label"] for row in download("parquet", path).rows] == ["dog", None, None, "7"]


def test_a_number_without_a_description_stays_one(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", image=DATA[:2], label=[3, -1])
    assert [row["label"] for row in download("parquet", path).rows] == ["3", "-1"]


def test_known_spellings_are_found_and_others_are_named_in_the_recipe(tmp_path: Path) -> None:
    more = {"TEXT": ["a dog"], "punsafe": [0.25], "kind": ["mammal"], "meta": [{"from": "a web page"}]}
    path = written(tmp_path / "a.parquet", jpg=DATA[:1], label=["ignored"], **more)
    row = download("parquet", path, columns={"label": "kind", "url": "meta.from"}, license="cc0").rows[0]
    assert {name: row[name] for name in ("caption", "unsafe", "label", "url", "license")} == {
        "caption": "a dog",
        "unsafe": 0.25,
        "label": "mammal",
        "url": "a web page",
        "license": "cc0",
    }


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        ({"photo": [{"bytes": DATA[0], "path": "x.jpg"}], "mask": [b"no image"]}, {}),
        ({"image": [{"bytes": DATA[0]}], "mask": [{"bytes": b"no image"}]}, {}),
        ({"image": ["no bytes"], "jpg": [DATA[0]]}, {}),
        ({"image": [b"no image"], "large": [DATA[0]]}, {"image": "large"}),
        ({"image": [b"no image"], "inside": [{"of": {"bytes": DATA[0], "path": None}}]}, {"image": "inside.of"}),
        ({"image": [b"no image"], "inside": [{"of": DATA[0]}]}, {"image": "inside.of"}),
        ({"a.b": [DATA[0]]}, {"image": "a.b"}),
    ],
)
def test_the_column_of_images_is_found_or_named(
    columns: dict[str, Any], chosen: dict[str, str], tmp_path: Path
) -> None:
    row = download("parquet", written(tmp_path / "a.parquet", **columns), columns=chosen).rows[0]
    assert (row["sha256"], row["status"]) == (hashlib.sha256(DATA[0]).hexdigest(), "ok")
    assert images.read(row["uri"], 0, row["length"]) == DATA[0]


def test_paths_that_repeat_are_images_of_their_own_and_rows_without_one_are_called_by_file_and_row(
    tmp_path: Path,
) -> None:
    structs = [{"bytes": data, "path": path} for data, path in zip(DATA, ["a.jpg", "a.jpg", None, ""], strict=False)]
    rows = download("parquet", write_table(tmp_path / "t.parquet", structs, [0] * 4, names=["cat"])).rows
    assert [row["key"] for row in rows] == ["a", "a", "t:2", "t:3"]
    assert len({row["image_id"] for row in rows}) == 4


def test_row_groups_of_any_size_give_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = download("parquet", hub(tmp_path / "a.parquet")).rows
    monkeypatch.setattr(cells, "BLOCK_BYTES", 1)  # one row at a time
    assert download("parquet", tmp_path / "a.parquet").rows == whole
    pq.write_table(pq.read_table(tmp_path / "a.parquet"), tmp_path / "a.parquet", row_group_size=1)
    assert download("parquet", tmp_path / "a.parquet").rows == whole


def test_a_folder_is_read_to_its_depths_and_a_glob_as_it_says(tmp_path: Path) -> None:
    for name in ("train/0.parquet", "val/0.parquet", "_hidden.parquet", "readme.md"):
        hub(tmp_path / name)
    both = download("parquet", tmp_path)
    assert both.counts.ok == 12
    assert len({row["image_id"] for row in both.rows}) == 12
    assert download("parquet", f"{tmp_path}/train/{{0..0}}.parquet").counts.ok == 6
    assert "have one name" in refused(f"{tmp_path}/*/0.parquet")


def test_files_in_a_bucket_give_the_rows_of_those_on_a_disk(tmp_path: Path) -> None:
    path = hub(tmp_path / "a.parquet")
    fsspec.filesystem("memory").pipe_file("/parquet-bucket/a.parquet", path.read_bytes())
    here, there = download("parquet", tmp_path), download("parquet", "memory://parquet-bucket")
    assert [{**row, "uri": None} for row in there.rows] == [{**row, "uri": None} for row in here.rows]
    assert images.read(there.rows[3]["uri"], 0, there.rows[3]["length"]) == DATA[3]


def test_new_files_are_new_tasks_and_one_that_changed_is_named(tmp_path: Path) -> None:
    hub(tmp_path / "b.parquet")
    stage = stage_of("parquet", tmp_path)
    before = PriorState(tuple(Task.from_json(task.to_json()) for task in stage.plan({})), 1, stage.external_state())
    hub(tmp_path / "a.parquet")
    assert [Path(task.facts["uri"]).name for task in stage.extended(before, {})] == ["b.parquet", "a.parquet"]
    written(tmp_path / "b.parquet", image=DATA[:1])
    with pytest.raises(Refused, match=r"b\.parquet had \d+ bytes then and has"):
        stage.extended(before, {})


# --- what is wrong with them ---


def test_a_row_without_bytes_says_that_they_are_not_in_the_file(tmp_path: Path) -> None:
    structs = [
        {"bytes": None, "path": "/home/me/a.jpg"},
        None,
        {"bytes": b"", "path": None},
        {"bytes": b"GIF", "path": ""},
    ]
    got = download("parquet", write_table(tmp_path / "a.parquet", structs, [0] * 4, names=["cat"]))
    assert [row["status"] for row in got.rows] == ["unreadable", "unreadable", "empty", "not_an_image"]
    assert "holds no bytes, only the path /home/me/a.jpg" in got.rows[0]["error"]
    assert "#image.bytes[1] holds no bytes: it is null" in got.rows[1]["error"]
    assert [row["label"] for row in got.rows] == ["cat"] * 4


def test_a_file_without_images_is_refused_and_says_what_it_has(tmp_path: Path) -> None:
    told = refused(written(tmp_path / "a.parquet", url=["http://x"], n=[1]))
    assert "has no column of image bytes that is known" in told
    assert "url (string), n (int64)" in told


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"image": "photo"}, r"has no column photo .* it has image \(struct"),
        ({"label": "kind"}, r"has no column kind"),
        ({"image": "label"}, r"its column label is int64, neither bytes nor"),
        ({"labels": "label"}, r"labels is not a column of the images table"),
    ],
)
def test_a_column_that_the_recipe_names_must_be_there(columns: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=said):
        stage_of("parquet", hub(tmp_path / "a.parquet"), columns=columns).external_state()


def test_of_two_columns_of_images_none_called_image_the_recipe_must_choose(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", left=[{"bytes": DATA[0]}], right=[{"bytes": DATA[1]}])
    assert "several columns of images (left, right)" in refused(path)


@pytest.mark.parametrize("name", ["a.parquet", "b.parquet"])
def test_a_file_that_is_no_parquet_is_refused_before_any_work(name: str, tmp_path: Path) -> None:
    hub(tmp_path / "a.parquet")
    (tmp_path / name).write_bytes(b"PAR1 garbage")
    assert f"{name} cannot be read as Parquet" in refused(tmp_path)


def test_a_folder_without_parquet_is_refused(tmp_path: Path) -> None:
    assert "no Parquet file below" in refused(tmp_path)


def damaged(path: Path, group: int) -> None:
    whole = bytearray(path.read_bytes())
    chunk = pq.ParquetFile(path).metadata.row_group(group).column(0)
    at = chunk.dictionary_page_offset or chunk.data_page_offset
    whole[at : at + 60] = b"\xff" * 60
    path.write_bytes(whole)


def test_a_row_group_that_does_not_decode_costs_its_rows_and_no_others(tmp_path: Path) -> None:
    path = hub(tmp_path / "a.parquet")
    damaged(path, 0)
    got = download("parquet", path)
    assert [row["status"] for row in got.rows] == ["unreadable"] * 4 + ["ok"] * 2
    assert "row group 0 of" in got.rows[0]["error"]
    assert "does not decode" in got.rows[0]["error"]
    assert len({row["image_id"] for row in got.rows}) == 6


def test_a_file_that_is_gone_when_its_turn_comes_is_a_row(tmp_path: Path) -> None:
    stage = stage_of("parquet", hub(tmp_path / "a.parquet"))
    (task,) = stage.plan({})
    (tmp_path / "a.parquet").unlink()
    (part,) = stage.process(task, {})
    assert part.counts.rejected == {images.UNREADABLE: 1}


def test_text_that_is_not_utf8_costs_no_row(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 2, pa.array([b"caf\xe9", b"tea"]).buffers())
    path = written(tmp_path / "a.parquet", image=DATA[:2], caption=broken)
    assert [row["caption"] for row in download("parquet", path).rows] == ["caf\ufffd", "tea"]


def test_a_large_row_group_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large, held, whole = [jpeg(place) + bytes(10_000) for place in range(1000)], list[int](), images.read_from
    pq.write_table(pa.table({"image": large}), tmp_path / "a.parquet", use_dictionary=False, write_batch_size=10)
    monkeypatch.setattr(cells, "BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr(cells, "AHEAD", 1 << 18)
    del large
    before = pa.total_allocated_bytes()

    def watched(*words: Any) -> bytes:
        held.append(pa.total_allocated_bytes() - before)
        return whole(*words)

    monkeypatch.setattr(images, "read_from", watched)
    assert download("parquet", tmp_path / "a.parquet").counts.ok == 1000
    assert 1 << 19 < max(held) < 4 << 20  # of 10 MB
