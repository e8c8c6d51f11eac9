"""WebDataset shards: images with their captions and fields, whatever the order and whatever is wrong with them."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.downloads import Downloaded, download, downloaded, stage_of
from world.pictures import jpeg
from world.tars import packed

from manifests.draft import Draft
from manifests.errors import Refused, Unbalanced
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from manifests.shard import write_shard
from manifests.storage import Folder
from stages import images
from stages.download.settings import DownloadSettings
from stages.download.stage import Download


def shard(folder: Path, members: list[tuple[str, bytes]], name: str = "0.tar") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(packed(members))
    return folder / name


def read(folder: Path, *members: tuple[str, bytes], **source: Any) -> Downloaded:
    """All rows of a source of one tar of these members."""
    return download("shards", shard(folder, list(members)), **source)


def with_json(folder: Path, text: bytes) -> dict[str, Any]:
    """The row of an image that has this .json and a sound neighbour."""
    got = read(folder, ("a.jpg", jpeg()), ("a.json", text), ("b.jpg", jpeg(1)))
    assert got.ok == ["a", "b"]
    return got.by_key["a"] | {"notes": got.counts.aside}


def committed(stage: Download, folder: Path) -> Manifest:
    """The images manifest of a stage, as the runner makes it, without the runner."""
    lineage = Lineage("images", "download 1", "images 1", stage.settings, stage.external_state(), {})
    draft = Draft.begin(Folder(str(folder)), lineage, [task.to_json() for task in stage.plan({})])
    for task in stage.plan({}):
        write_shard(draft.folder, task.name, stage.schema(), stage.process(task, {}))
    return draft.commit({})


# --- captions and fields ---


@pytest.mark.parametrize("order", itertools.permutations(range(4)))
def test_a_caption_belongs_to_its_image_wherever_it_lies(order: tuple[int, ...], tmp_path: Path) -> None:
    members = [("a.jpg", jpeg(0)), ("a.txt", b"of a"), ("b.jpg", jpeg(1)), ("b.txt", b"of b")]
    rows = read(tmp_path, *(members[place] for place in order)).by_key
    assert (rows["a"]["caption"], rows["b"]["caption"]) == ("of a", "of b")


def test_a_name_ends_at_its_first_dot_for_a_caption_and_at_its_last_for_an_image(tmp_path: Path) -> None:
    got = read(tmp_path, ("x.y/dog.left.jpg", jpeg(0)), ("x.y/dog.right.jpg", jpeg(1)), ("x.y/dog.txt", b"a dog"))
    assert {key: row["caption"] for key, row in got.by_key.items()} == dict.fromkeys(
        ["x.y/dog.left", "x.y/dog.right"], "a dog"
    )


def test_a_caption_of_its_own_counts_more_than_that_of_the_first_dot(tmp_path: Path) -> None:
    got = read(tmp_path, ("dog.left.jpg", jpeg()), ("dog.txt", b"a dog"), ("dog.left.txt", b"its left side"))
    assert got.rows[0]["caption"] == "its left side"


def test_fields_are_known_by_the_names_that_laion_gives_them(tmp_path: Path) -> None:
    fields = {"URL": "http://x/a.jpg", "TEXT": "a dog", "AESTHETIC_SCORE": 5.5, "punsafe": "0.25", "pwatermark": 0.5}
    row = with_json(tmp_path, json.dumps({**fields, "LICENSE": "cc0", "similarity": 0.3}).encode())
    assert (row["url"], row["caption"], row["license"]) == ("http://x/a.jpg", "a dog", "cc0")
    assert (row["aesthetic"], row["unsafe"], row["watermark"]) == (5.5, 0.25, 0.5)


def test_a_class_file_is_the_label(tmp_path: Path) -> None:
    assert read(tmp_path, ("a.cls", b"207\n"), ("a.jpg", jpeg())).rows[0]["label"] == "207"


def test_a_license_of_the_recipe_holds_where_the_image_states_none(tmp_path: Path) -> None:
    members = [("a.jpg", jpeg()), ("b.jpg", jpeg(1)), ("b.json", b'{"license": "cc-by"}')]
    rows = read(tmp_path, *members, license="cc0").by_key
    assert (rows["a"]["license"], rows["b"]["license"]) == ("cc0", "cc-by")


@pytest.mark.parametrize("absent", [b'{"caption": null}', b'{"caption": ["a", "b"]}', b'{"caption": NaN}', b"not JSON"])
def test_a_caption_beside_the_image_holds_whatever_the_json_says(absent: bytes, tmp_path: Path) -> None:
    got = read(tmp_path, ("a.jpg", jpeg()), ("a.txt", b"a dog"), ("a.json", absent))
    assert got.rows[0]["caption"] == "a dog"


def test_an_empty_caption_beside_the_image_does_not_hide_that_of_the_json(tmp_path: Path) -> None:
    got = read(tmp_path, ("a.jpg", jpeg()), ("a.txt", b" \n"), ("a.json", b'{"caption": "a dog"}'))
    assert got.rows[0]["caption"] == "a dog"


# --- what is wrong with them ---


@pytest.mark.parametrize("text", [b"{'a': 1}", b"[1, 2]", b"7", b"{", b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"])
def test_json_that_is_no_object_is_noted_and_the_image_stays(text: bytes, tmp_path: Path) -> None:
    row = with_json(tmp_path, text)
    assert row["notes"] == {"(.json that is not a JSON object)": 1}


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e39", "1" + "0" * 400, '"much"', "[0.5]", "{}", "null"]
)
def test_a_number_that_is_none_or_does_not_fit_is_null(value: str, tmp_path: Path) -> None:
    assert with_json(tmp_path, f'{{"aesthetic": {value}, "caption": {value}}}'.encode())["aesthetic"] is None


def test_a_caption_that_is_no_number_at_all_is_null(tmp_path: Path) -> None:
    assert with_json(tmp_path, b'{"caption": NaN, "url": NaN}')["caption"] is None


def test_half_of_a_surrogate_pair_in_json_is_kept_as_an_escape(tmp_path: Path) -> None:
    assert with_json(tmp_path, b'{"caption": "a \\ud83d dog"}')["caption"] == "a \\ud83d dog"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert with_json(tmp_path, b'\xef\xbb\xbf{"caption": "a dog"}')["caption"] == "a dog"


def test_a_caption_that_is_not_utf8_is_noted_and_what_can_be_read_of_it_stays(tmp_path: Path) -> None:
    got = read(tmp_path, ("a.jpg", jpeg()), ("a.txt", b"caf\xe9"))
    assert got.rows[0]["caption"] == "caf�"
    assert got.counts.aside == {"(.txt that is not UTF-8)": 1}


def test_a_caption_of_megabytes_is_noted_and_left_out(tmp_path: Path) -> None:
    got = read(tmp_path, ("a.jpg", jpeg()), ("a.txt", b"a" * (2 << 20)))
    assert (got.ok, got.rows[0]["caption"]) == (["a"], None)
    assert got.counts.aside == {"(.txt of more than 1048576 bytes)": 1}


def test_other_members_are_counted_by_their_ending(tmp_path: Path) -> None:
    members = [("v1.0/README", b""), ("a.npy", b""), ("b.npy", b""), (".hidden", b""), ("a.jpg", jpeg())]
    assert read(tmp_path, *members).counts.aside == {"members without an ending": 2, ".npy members": 2}


def test_thousands_of_endings_do_not_make_thousands_of_counts(tmp_path: Path) -> None:
    aside = read(tmp_path, *((f"a.{number}", b"") for number in range(2000))).counts.aside
    assert len(aside) < 30
    assert sum(aside.values()) == 2000


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["jpg", "txt", "json", "cls", "png", "x"])), max_size=12)
)
@settings(max_examples=40, deadline=None)
def test_members_in_any_order_and_number_are_all_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, str]]
) -> None:
    data = {"jpg": jpeg(), "png": jpeg(1), "txt": b"text", "json": b'{"label": 1}', "cls": b"7", "x": b""}
    got = read(tmp_path_factory.getbasetemp() / "any", *((f"{stem}.{kind}", data[kind]) for stem, kind in members))
    pictures = [f"{stem}.{kind}" for stem, kind in members if kind in ("jpg", "png")]
    assert got.counts.seen == len(pictures)
    assert got.counts.ok == len(set(pictures))
    assert len({row["image_id"] for row in got.rows}) == len(pictures)


# --- names that repeat ---


def test_of_a_name_that_occurs_twice_in_a_tar_the_first_counts_and_the_second_is_told(tmp_path: Path) -> None:
    got = read(tmp_path, ("a.jpg", jpeg(0)), ("b.jpg", jpeg(1)), ("a.jpg", jpeg(2)))
    assert [(row["key"], row["status"]) for row in got.rows] == [("a", "ok"), ("b", "ok"), ("a", "duplicate_key")]
    assert "occurs 2 times" in got.rows[2]["error"]
    assert len({row["image_id"] for row in got.rows}) == 3


def test_names_that_repeat_in_two_tars_are_not_committed_and_both_places_are_named(tmp_path: Path) -> None:
    for name in ("0.tar", "1.tar"):
        shard(tmp_path / "in", [("a.jpg", jpeg())], name)
    with pytest.raises(Unbalanced, match=r"some-00000 \(a\) and some-00001 \(a\).*keys_repeat: true"):
        committed(stage_of("shards", tmp_path / "in" / "*.tar"), tmp_path / "images")


def test_names_that_repeat_in_two_tars_are_two_images_where_the_recipe_says_so(tmp_path: Path) -> None:
    for name in ("0.tar", "1.tar"):
        shard(tmp_path / "in", [("a.jpg", jpeg())], name)
    stage = stage_of("shards", tmp_path / "in" / "*.tar", keys_repeat=True)
    assert committed(stage, tmp_path / "images").counts.ok == 2


def test_two_tars_of_one_name_are_refused_where_that_name_would_tell_their_images_apart(tmp_path: Path) -> None:
    for folder in ("train", "val"):
        shard(tmp_path / folder, [("a.jpg", jpeg())])
    with pytest.raises(Refused, match=r"2 tars are called 0\.tar"):
        stage_of("shards", tmp_path / "{train,val}" / "0.tar", keys_repeat=True).external_state()


@pytest.mark.parametrize("kind", ["folder", "img2dataset"])
def test_keys_repeat_is_refused_where_it_would_do_nothing(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown setting 'keys_repeat'"):
        stage_of(kind, tmp_path, keys_repeat=True)


def test_two_sources_with_the_same_member_names_are_committed_together(tmp_path: Path) -> None:
    uri = str(shard(tmp_path / "in", [("a.jpg", jpeg())]))
    both = [{"name": name, "kind": "shards", "uri": uri} for name in ("one", "other")]
    stage = Download(DownloadSettings.model_validate({"sources": both}))
    assert committed(stage, tmp_path / "images").counts.ok == 2


def test_an_image_keeps_its_identity_when_tars_are_cut_anew(tmp_path: Path) -> None:
    members = [(f"{number}.jpg", jpeg(number)) for number in range(4)]
    shard(tmp_path / "one", members)
    shard(tmp_path / "two", members[:1])
    shard(tmp_path / "two", members[1:], "1.tar")
    one, two = (download("shards", tmp_path / name / "*.tar").rows for name in ("one", "two"))
    assert [(row["image_id"], row["sha256"]) for row in one] == [(row["image_id"], row["sha256"]) for row in two]


# --- reading back ---


def test_every_row_leads_to_the_bytes_that_were_packed(tmp_path: Path) -> None:
    wanted = {f"{number}.jpg": jpeg(number) for number in range(5)}
    for row in read(tmp_path, *wanted.items()).rows:
        assert images.read(row["uri"], row["offset"], row["length"]) == wanted[f"{row['key']}.jpg"]


def test_a_tar_that_changes_between_listing_and_reading_gives_rows_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, whole = shard(tmp_path, [("a.jpg", jpeg()), ("a.txt", b"a dog"), ("b.jpg", jpeg(1))]), images.read

    def shrinking(uri: str, offset: int, length: int) -> bytes:
        os.truncate(path, 1000)
        return whole(uri, offset, length)

    monkeypatch.setattr(images, "read", shrinking)
    got = download("shards", path)
    assert got.counts.rejected == {images.TRUNCATED: 2}
    assert got.counts.aside == {"(.txt that could not be read)": 1}


def test_a_tar_that_is_gone_when_its_turn_comes_is_a_row(tmp_path: Path) -> None:
    path = shard(tmp_path, [("a.jpg", jpeg())])
    stage = stage_of("shards", path)
    (task,) = stage.plan({})
    path.unlink()
    (part,) = stage.process(task, {})
    assert part.counts.rejected == {images.UNREADABLE: 1}


def test_a_tar_in_a_bucket_gives_the_rows_of_one_on_a_disk(tmp_path: Path) -> None:
    path = shard(tmp_path, [("a.jpg", jpeg()), ("a.txt", b"a dog"), ("b.jpg", jpeg(1))])
    fsspec.filesystem("memory").pipe_file("/shards-bucket/0.tar", path.read_bytes())
    here, there = downloaded(stage_of("shards", path)), download("shards", "memory://shards-bucket/{0..0}.tar")
    assert [{**row, "uri": None} for row in there.rows] == [{**row, "uri": None} for row in here.rows]


def test_a_folder_of_tars_is_refused_with_what_to_write_instead(tmp_path: Path) -> None:
    shard(tmp_path, [("a.jpg", jpeg())])
    with pytest.raises(Refused, match=r"is a folder; name the tars in it: .*/\*\.tar"):
        stage_of("shards", tmp_path).external_state()
