"""Folder: the same promises on a disk and in a bucket, by path or by URL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fsspec.core import url_to_fs
from world.committed import images_manifest, names

from manifests.manifest import Manifest
from manifests.storage import Folder


@pytest.fixture(params=["disk", "memory", "bucket"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    if request.param == "disk":
        yield Folder(str(tmp_path / "run"))
        return
    if request.param == "bucket":
        yield Folder(request.getfixturevalue("bucket").url("run"))
        return
    yield Folder(f"memory://{tmp_path.name}/run")
    fs, path = url_to_fs(f"memory://{tmp_path.name}")
    if fs.exists(path):
        fs.rm(path, recursive=True)


def test_what_is_written_is_read(folder: Folder) -> None:
    folder.write("a", b"bytes")
    assert folder.read("a") == b"bytes"


def test_a_second_write_takes_the_place_of_the_first(folder: Folder) -> None:
    folder.write("a", b"first and long")
    folder.write("a", b"second")
    assert folder.read("a") == b"second"


def test_sizes_name_every_file_with_its_bytes(folder: Folder) -> None:
    folder.write("b", b"123")
    folder.write("größe 日本", b"")
    assert folder.sizes() == {"b": 3, "größe 日本": 0}


def test_a_folder_that_is_not_there_holds_nothing(folder: Folder) -> None:
    assert (folder / "none").sizes() == {}


def test_folders_are_named_apart_from_files(folder: Folder) -> None:
    (folder / "images").write("a", b"")
    folder.write("b", b"")
    assert folder.folders() == ["images"]


def test_a_file_is_open_at_any_place(folder: Folder) -> None:
    folder.write("a", b"0123456789")
    with folder.open("a") as file:
        file.seek(-3, 2)
        assert file.read() == b"789"


def test_nothing_appears_before_the_block_ends(folder: Folder) -> None:
    folder.write("before", b"")
    with folder.aside("a") as path:
        path.write_bytes(b"half")
        assert folder.sizes() == {"before": 0}
        path.write_bytes(b"whole")


def test_nothing_appears_when_the_block_fails(folder: Folder) -> None:
    def breaks_off() -> None:
        with folder.aside("a") as path:
            path.write_bytes(b"half")
            raise RuntimeError("half way")

    folder.write("before", b"")
    with pytest.raises(RuntimeError, match="half way"):
        breaks_off()
    assert folder.sizes() == {"before": 0}


def test_a_file_is_forgotten_and_twice_is_no_error(folder: Folder) -> None:
    folder.write("a", b"")
    folder.forget("a")
    folder.forget("a")
    assert not folder.has("a")


def test_a_file_is_created_once(folder: Folder) -> None:
    assert folder.create("a", b"first")
    assert not folder.create("a", b"first")
    assert not folder.create("a", b"second")
    assert folder.read("a") == b"first"
    assert folder.sizes() == {"a": 5}


def test_of_many_who_create_a_file_at_once_one_does(folder: Folder) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda who: folder.create("a", who), [bytes([n]) * 100 for n in range(8)]))
    if not folder.url.startswith("memory"):  # which looks first and writes then
        assert done.count(True) == 1
        assert folder.read("a") == bytes([done.index(True)]) * 100


def test_what_another_process_wrote_is_there_at_once(folder: Folder) -> None:
    if folder.url.startswith("memory"):
        return  # no other process has it
    before = (folder.has("a"), folder.sizes(), folder.folders())
    script = "import sys\nfrom manifests.storage import Folder\nFolder(sys.argv[1]).write('a', b'1')\n"
    subprocess.run(
        [sys.executable, "-c", script + "(Folder(sys.argv[1]) / 'b').write('c', b'')", folder.url], check=True
    )
    assert before == (False, {}, [])
    assert (folder.has("a"), folder.sizes(), folder.folders()) == (True, {"a": 1}, ["b"])


def test_a_folder_that_can_be_written_is_said_to_be_and_left_as_it_was(folder: Folder) -> None:
    folder.check_writable()
    assert folder.sizes() == {}


def test_a_file_in_the_place_of_a_folder_holds_nothing(folder: Folder) -> None:
    folder.write("a", b"")
    assert ((folder / "a").sizes(), (folder / "a").folders()) == ({}, [])


def test_reading_what_is_not_there_names_it(folder: Folder) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        folder.read("nothing")
    with pytest.raises(FileNotFoundError, match="nothing"), folder.open("nothing"):
        pass


def test_a_manifest_in_a_bucket_reads_as_it_was_written(folder: Folder) -> None:
    ids = names(5)
    images_manifest(folder.url, ids, ["f" * 64] * 5, [2, 0, 3])
    manifest = Manifest.open(folder)
    assert [row for batch in manifest.batches(("image_id",)) for row in batch.column(0).to_pylist()] == ids


NAMES = ["a::b", "a b", "a#b?c", "größe", "[a]*", "100%", "a+b&c=d", "~x", "a@b:c"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_may_hold_any_characters(folder: Folder, name: str) -> None:
    inside = folder / name
    inside.write(name, b"1")
    with inside.aside(f"{name}.2") as path:
        path.write_bytes(b"22")
    assert inside.sizes() == {name: 1, f"{name}.2": 2}
    assert inside.read(name) == b"1"
    with inside.open(name) as file:
        assert file.read() == b"1"
    assert folder.folders() == [name]
    inside.forget(name)
    assert not inside.has(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_path_may_hold_any_characters(tmp_path: Path, name: str) -> None:
    folder = Folder(str(tmp_path)) / name
    folder.write("x", b"1")
    assert (tmp_path / name / "x").read_bytes() == b"1"
    folder.forget("x")
    assert not (tmp_path / name / "x").exists()


def test_a_relative_path_is_one_of_this_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Folder("runs/a").local == tmp_path / "runs" / "a"


def test_the_name_of_a_folder_is_its_last_part() -> None:
    assert (Folder("s3://bucket/runs/") / "mmvp").name == "mmvp"


def test_a_full_disk_is_told_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    with folder.aside("probe") as path:
        path.write_bytes(b"")
        name = path.name
    (tmp_path / name.replace("probe", "a")).symlink_to("/dev/full")  # the kernel's own file that takes no byte
    with pytest.raises(OSError, match="No space left"):
        folder.write("a", b"bytes")
    assert sorted(os.listdir(tmp_path)) == ["probe"]


WRITES_AS_NOBODY = """
import os, sys
from manifests.storage import Folder
if os.geteuid() == 0:
    os.setuid(65534)
Folder(sys.argv[1]).write("a", b"bytes")
"""


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    ended = subprocess.run([sys.executable, "-c", WRITES_AS_NOBODY, str(tmp_path)], capture_output=True, text=True)
    assert re.match(rf"PermissionError: .*{tmp_path}", ended.stderr.splitlines()[-1])


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_bytes(b"")
    with pytest.raises(OSError, match="runs"):
        Folder(str(tmp_path / "runs")).write("a", b"")


def test_sweep_removes_only_what_was_left_half_written(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    folder.write("a.parquet", b"")
    folder.write("_plan.json", b"")
    (tmp_path / "_b.parquet.host.123.aside").write_bytes(b"half")
    folder.sweep()
    assert sorted(os.listdir(tmp_path)) == ["_plan.json", "a.parquet"]


def test_sweep_of_a_folder_that_is_not_there_does_nothing(folder: Folder) -> None:
    (folder / "none").sweep()
    folder.write("a", b"")


def test_a_listing_is_not_disturbed_by_files_that_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "stays").write_bytes(b"12345")
    (tmp_path / "leads_nowhere").symlink_to("gone")
    (tmp_path / "folder").mkdir()
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            (tmp_path / "aside").write_bytes(b"x")
            (tmp_path / "aside").unlink()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(300):
            sizes = Folder(str(tmp_path)).sizes()
            assert {name: size for name, size in sizes.items() if name != "aside"} == {"stays": 5}
    finally:
        stop.set()
        other.join()
    assert Folder(str(tmp_path)).folders() == ["folder"]
