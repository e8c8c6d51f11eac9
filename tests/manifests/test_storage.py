"""Folder: the same promises on a disk and in a bucket, by path or by URL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.core import url_to_fs
from world.committed import images_manifest, names

from manifests.manifest import Manifest
from manifests.storage import Folder


@pytest.fixture(params=["disk", "bucket"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    if request.param == "disk":
        yield Folder(str(tmp_path / "run"))
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


def test_a_manifest_in_a_bucket_reads_as_it_was_written(folder: Folder) -> None:
    ids = names(5)
    images_manifest(folder.url, ids, ["f" * 64] * 5, [2, 0, 3])
    manifest = Manifest.open(folder)
    assert [row for batch in manifest.batches(("image_id",)) for row in batch.column(0).to_pylist()] == ids


@pytest.mark.parametrize("name", ["a::b", "a b", "a#b?c", "größe", "[a]*", "100%"])
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
