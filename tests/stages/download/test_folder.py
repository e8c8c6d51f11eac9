"""A folder as a source: every image file once, wherever it lies and whatever it is called."""

import hashlib
import os
import sys
import tempfile
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from world.calls import calls
from world.downloads import as_nobody, download, downloaded, stage_of
from world.pictures import encoded, jpeg, picture, rotated_by_exif

from manifests.errors import Refused
from manifests.tables import image_id
from stages import images

NASTY = [
    "a",
    "A",
    "b",
    ".",
    "-",
    "0",
    " ",
    "'",
    "é",
    "漢",
    "\n",
    "*",
    "[",
    "{",
    "}",
    "~",
    "#",
    "%",
    "::",
    ",",
    "\\",
    "\udcff",
]
part = (
    st.lists(st.sampled_from(NASTY), min_size=1, max_size=5).map("".join).filter(lambda name: name not in (".", ".."))
)
names = st.builds(
    lambda folders, stem, ending: "/".join([*folders, stem + ending]),
    st.lists(part, max_size=3),
    part,
    st.sampled_from([".jpg", ".PNG", ".txt"]),
)


def put(folder: Path, name: str, data: bytes = b"") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def laid(root: Path, wanted: list[str]) -> set[str]:
    """Write a file under each name that the disk takes; the names that were taken."""
    taken = set()
    for place, name in enumerate(wanted):
        with suppress(OSError):  # a folder cannot be where a file is
            put(root, name, jpeg(place % 3))
            taken.add(name)
    return taken


# --- properties ---


@given(wanted=st.lists(names, min_size=1, max_size=14, unique=True), shard_rows=st.integers(1, 16))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_names_in_any_folders_give_each_image_once_at_any_shard_size(wanted: list[str], shard_rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        taken = {one for one in laid(Path(name), wanted) if images.is_named_as_image(one)}
        if not taken:
            return
        every = {"hidden": True}
        whole, cut = download("folder", name, **every), download("folder", name, shard_rows=shard_rows, **every)
        assert cut.rows == whole.rows
        assert [row["image_id"] for row in cut.rows] == [image_id("some", one) for one in sorted(taken)]
        assert cut.counts == whole.counts


@given(wanted=st.lists(names, min_size=1, max_size=8, unique=True))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_row_that_is_ok_leads_to_bytes_with_its_sha256(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        if not any(images.is_named_as_image(one) for one in laid(Path(name), wanted)):
            return
        for row in download("folder", name, hidden=True).rows:
            if row["status"] == "ok":
                data = images.read(row["uri"], row["offset"], row["length"])
                assert hashlib.sha256(data).hexdigest() == row["sha256"]
            else:
                assert "not UTF-8" in row["error"]


@given(wanted=st.lists(names, min_size=1, max_size=14, unique=True), shard_rows=st.integers(1, 5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_same_folder_gives_the_same_plan(wanted: list[str], shard_rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        laid(Path(name), wanted)
        stage = stage_of("folder", name, shard_rows=shard_rows)
        plan = stage.plan({})
        assert plan == stage.plan({})
        assert len({task.name for task in plan}) == len(plan)


# --- names ---


def test_the_folder_an_image_lies_in_is_its_label(tmp_path: Path) -> None:
    put(tmp_path, "train/n01440764/a.jpg", jpeg())
    put(tmp_path, "b.jpg", jpeg())
    rows = download("folder", tmp_path).by_key
    assert (rows["train/n01440764/a"]["label"], rows["b"]["label"]) == ("n01440764", None)


def test_other_files_are_counted_by_name_and_are_no_rows(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", jpeg())
    for number in range(25):
        put(tmp_path, f"notes/{number:02}.txt")
    counts = download("folder", tmp_path, shard_rows=1).counts
    assert counts.seen == 1
    assert sum(counts.aside.values()) == 25
    assert counts.aside["notes/00.txt"] == 1


def test_other_files_behind_the_last_image_are_counted_too(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", jpeg())
    put(tmp_path, "b.jpg", jpeg())
    put(tmp_path, "z/z.txt")
    assert download("folder", tmp_path, shard_rows=1).counts.aside == {"z/z.txt": 1}


def test_a_name_that_is_not_utf8_is_a_row_that_says_so(tmp_path: Path) -> None:
    put(tmp_path, os.fsdecode(b"\xff.jpg"), jpeg())
    put(tmp_path, os.fsdecode(b"\xfe.jpg"), jpeg())
    put(tmp_path, "good.jpg", jpeg())
    got = download("folder", tmp_path)
    assert got.ok == ["good"]
    assert got.counts.rejected == {images.UNREADABLE: 2}
    assert len({row["image_id"] for row in got.rows}) == 3


def test_a_folder_whose_own_path_is_not_utf8_is_refused(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"\xff")
    put(root, "a.jpg", jpeg())
    with pytest.raises(Refused, match="not UTF-8"):
        stage_of("folder", root).external_state()


def test_dotted_and_unicode_names_are_kept_whole(tmp_path: Path) -> None:
    for name in ("dog.left.jpg", "dog.right.jpg", "犬.jpg", "a.jpg.png"):
        put(tmp_path, name, jpeg())
    assert sorted(download("folder", tmp_path).ok) == sorted(["dog.left", "dog.right", "犬", "a.jpg"])


def test_hidden_files_and_folders_are_counted_and_read_only_if_asked(tmp_path: Path) -> None:
    for place, name in enumerate(("a.jpg", ".b.jpg", ".thumbnails/c.jpg", "d/.e/f/g.jpg", "d/h.jpg")):
        put(tmp_path, name, jpeg(place))
    plain, all_of_them = download("folder", tmp_path), download("folder", tmp_path, hidden=True)
    assert sorted(plain.ok) == ["a", "d/h"]
    assert plain.counts.aside == {"(hidden images)": 3}
    assert sorted(all_of_them.ok) == sorted(["a", ".b", ".thumbnails/c", "d/.e/f/g", "d/h"])
    assert not all_of_them.counts.aside


def test_images_that_viewers_turn_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", rotated_by_exif())
    put(tmp_path, "b.jpg", jpeg())
    got = download("folder", tmp_path)
    assert got.counts.aside == {"(turned by EXIF, embedded as stored)": 1}
    assert (got.counts.ok, got.rows[0]["width"]) == (2, Image.open(BytesIO(rotated_by_exif())).width)


def test_two_sources_with_the_same_names_have_distinct_identities(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", jpeg())
    one, other = download("folder", tmp_path), download("folder", tmp_path, name="other")
    assert one.rows[0]["image_id"] != other.rows[0]["image_id"]


# --- links, pipes and rights ---


def test_a_link_to_an_image_is_an_image(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", jpeg())
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    assert download("folder", tmp_path).ok == ["a", "b"]


def test_a_loop_of_folders_is_walked_once(tmp_path: Path) -> None:
    put(tmp_path, "in/side/a.jpg", jpeg())
    (tmp_path / "in/side/loop").symlink_to(tmp_path, target_is_directory=True)
    assert download("folder", tmp_path).ok == ["in/side/a"]


def test_a_link_to_itself_is_a_row_and_its_neighbours_are_all_there(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", jpeg())
    put(tmp_path, "z.jpg", jpeg())
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    got = download("folder", tmp_path)
    assert got.statuses == {"a": "ok", "self": images.UNREADABLE, "z": "ok"}
    assert "symbolic links" in got.by_key["self"]["error"]


def test_a_broken_link_is_a_row_that_says_so(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", jpeg())
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    got = download("folder", tmp_path)
    assert got.ok == ["a"]
    assert "No such file" in got.by_key["gone"]["error"]


@pytest.mark.timeout(300)
def test_a_pipe_named_like_an_image_does_not_hang_but_is_a_row(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", jpeg())
    os.mkfifo(tmp_path / "pipe.jpg")
    got = download("folder", tmp_path)
    assert got.ok == ["a"]
    assert "not a regular file" in got.by_key["pipe"]["error"]


def test_an_image_that_may_not_be_read_is_a_row_that_says_so(open_folder: Path) -> None:
    put(open_folder, "a.jpg", jpeg())
    put(open_folder, "secret.jpg", jpeg()).chmod(0)
    download("folder", open_folder)  # loads what is loaded lazily while everything may still be read
    with as_nobody():
        got = download("folder", open_folder)
    assert got.ok == ["a"]
    assert "Permission denied" in got.by_key["secret"]["error"]


@pytest.mark.parametrize("shard_rows", [1, 2, 3, 100])
def test_a_folder_that_may_not_be_read_is_a_row_for_there_may_be_images_in_it(
    open_folder: Path, shard_rows: int
) -> None:
    for name in ("a.jpg", "m/inside.jpg", "m.jpg", "z.jpg"):
        put(open_folder, name, jpeg())
    (open_folder / "m").chmod(0)
    with as_nobody():
        got = download("folder", open_folder, shard_rows=shard_rows)
    (open_folder / "m").chmod(0o755)
    assert got.statuses == {"a": "ok", "m": "ok", "m/": images.UNREADABLE, "z": "ok"}
    assert got.counts.aside == {}


def test_a_source_that_may_not_be_read_is_refused(open_folder: Path) -> None:
    put(open_folder, "in/a.jpg", jpeg())
    (open_folder / "in").chmod(0)
    with as_nobody(), pytest.raises(Refused, match="Permission denied"):
        stage_of("folder", open_folder / "in").external_state()


# --- what is not there, and what changes ---


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No such file"):
        stage_of("folder", tmp_path / "gone").external_state()


def test_a_file_is_refused_as_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Not a directory"):
        stage_of("folder", put(tmp_path, "a.jpg", jpeg())).external_state()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no image file below"):
        stage_of("folder", tmp_path).external_state()


def test_a_folder_without_images_is_refused_and_plans_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.txt")
    with pytest.raises(Refused, match="no image file below"):
        stage_of("folder", tmp_path).external_state()
    assert stage_of("folder", tmp_path).plan({}) == []


@pytest.mark.parametrize("change", ["one more", "one less"])
def test_a_folder_that_changes_after_the_plan_is_refused(tmp_path: Path, change: str) -> None:
    put(tmp_path, "a.jpg", jpeg())
    put(tmp_path, "c.jpg", jpeg())
    stage = stage_of("folder", tmp_path)
    (task,) = stage.plan({})
    (tmp_path / "c.jpg").unlink() if change == "one less" else put(tmp_path, "b.jpg", jpeg())
    with pytest.raises(Refused, match="changed while it was read"):
        list(stage.process(task, {}))


@pytest.mark.parametrize("age_s", [0, 3600])
def test_a_folder_that_grew_is_seen_to_have_grown_by_the_same_process(tmp_path: Path, age_s: float) -> None:
    put(tmp_path, "a.jpg", jpeg())
    os.utime(tmp_path, (time.time() - age_s,) * 2)
    stage = stage_of("folder", tmp_path)
    before = stage.external_state()
    put(tmp_path, "b.jpg", jpeg())
    assert stage.external_state() != before
    assert downloaded(stage).ok == ["a", "b"]


# --- size ---


def test_folders_nested_deeper_than_pythons_stack_are_walked(tmp_path: Path) -> None:
    depth, limit = 400, sys.getrecursionlimit()
    deepest = tmp_path / ("d/" * depth)
    os.makedirs(deepest)
    (deepest / "a.jpg").write_bytes(jpeg())
    sys.setrecursionlimit(300)
    try:
        got = download("folder", tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert got.ok == ["d/" * depth + "a"]


def test_a_film_named_like_an_image_is_not_read_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "film.jpg").open("wb") as file:
        file.truncate(1 << 40)
    assert download("folder", tmp_path).statuses == {"film": images.TOO_LARGE}


def test_planning_a_flat_folder_of_4_000_images_is_little_work_for_each(tmp_path: Path) -> None:
    for number in range(4_000):
        os.close(os.open(tmp_path / f"{number}.jpg", os.O_CREAT))
    stage = stage_of("folder", tmp_path)
    found, tasks = stage.external_state(), stage.plan({})
    assert calls(lambda: (stage.external_state(), stage.plan({}))) < 150 * 4_000
    assert found["found"]["some"]["files"] == 4_000
    assert sum(task.facts["files"] for task in tasks) == 4_000


# --- a bucket ---


def test_a_bucket_gives_the_rows_a_disk_gives(tmp_path: Path) -> None:
    bucket = fsspec.filesystem("memory")
    for name in ("x/a.jpg", "x-1/b.png", "c.jpg", "x/notes.txt", "empty.jpg"):
        data = b"" if name == "empty.jpg" else encoded(picture(), "PNG") if name.endswith("png") else jpeg()
        put(tmp_path, name, data)
        bucket.pipe_file(f"/folder-bucket/{name}", data)
    here = download("folder", tmp_path, shard_rows=2)
    there = download("folder", "memory://folder-bucket", shard_rows=2)
    assert [{**row, "uri": None, "error": None} for row in there.rows] == [
        {**row, "uri": None, "error": None} for row in here.rows
    ]
    assert there.counts == here.counts
    row = there.by_key["x/a"]
    assert images.read(row["uri"], row["offset"], row["length"]) == jpeg()


def test_a_bucket_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="it does not exist"):
        stage_of("folder", "memory://no-such-bucket").external_state()
