"""What a killed process leaves half written goes; what another one is writing stays, and ends whole."""

from __future__ import annotations

import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from world.processes import writing

from manifests.storage import Folder
from manifests.stores.holding import held_folder, remove_left, scratch_folder

ASIDE = """
from manifests.storage import Folder
with Folder(sys.argv[1]).aside("a") as path:
    path.write_bytes(b"whole")
    print("writing", flush=True)
    sys.stdin.read()
"""
SCRATCH = """
from manifests.stores.holding import scratch_folder
with scratch_folder() as folder:
    (folder / "a").write_bytes(b"half")
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_a_file_that_another_process_is_writing_stays_and_ends_whole(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    with writing(ASIDE, folder.url) as other:
        folder.sweep_left()
        assert len(list(tmp_path.iterdir())) == 1
        other.communicate("")
    assert other.returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"whole"}


def test_a_file_that_a_killed_process_was_writing_goes(tmp_path: Path) -> None:
    with writing(ASIDE, str(tmp_path)) as other:
        other.kill()
        other.wait()
    assert len(list(tmp_path.iterdir())) == 1
    Folder(str(tmp_path)).sweep_left()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_version_that_nobody_holds_goes_and_others_stay(tmp_path: Path) -> None:
    for name in ("_report.html.host.7.aside", "report.html", "_plan.json", "mine.aside"):
        (tmp_path / name).write_bytes(b"")
    Folder(str(tmp_path)).sweep_left()
    assert sorted(os.listdir(tmp_path)) == ["_plan.json", "mine.aside", "report.html"]


def test_a_scratch_folder_of_a_killed_process_goes_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with writing(SCRATCH) as dead, writing(SCRATCH) as alive:
        there = set(tmp_path.iterdir())
        dead.kill()
        dead.wait()
        with scratch_folder() as own:
            assert len(set(tmp_path.iterdir()) & there) == 1
            assert own in tmp_path.iterdir()
        alive.communicate("")
    assert alive.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_renamed_stays_and_its_old_name_is_free(tmp_path: Path) -> None:
    with held_folder(tmp_path, ".to-", ".aside") as folder:
        (folder / "a").write_bytes(b"1")
        folder.rename(tmp_path / "to")
        remove_left([tmp_path / "to"])  # it is held under its new name, too
    assert os.listdir(tmp_path) == ["to"]
    assert (tmp_path / "to" / "a").read_bytes() == b"1"


def test_a_link_that_is_named_as_what_was_left_leads_nowhere(tmp_path: Path) -> None:
    for kind in ("file", "folder"):
        (tmp_path / kind).mkdir() if kind == "folder" else (tmp_path / kind).touch()
        (tmp_path / f"_{kind}.aside").symlink_to(kind)
    Folder(str(tmp_path)).sweep_left()
    assert {"file", "folder"} <= set(os.listdir(tmp_path))


def test_who_writes_one_name_from_many_threads_while_others_sweep_loses_nothing(tmp_path: Path) -> None:
    folder, done = Folder(str(tmp_path)), threading.Event()

    def sweep() -> None:
        while not done.is_set():
            folder.sweep_left()
            folder.check_writable()

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: folder.write("a", bytes([number]) * 100), range(100)))
            made = list(pool.map(lambda number: folder.create(f"b{number // 4}", bytes([number])), range(100)))
    finally:
        done.set()
        sweeper.join()
    assert len(set(folder.read("a"))) == 1
    assert made.count(True) == 25
    assert len(os.listdir(tmp_path)) == 26


def test_a_folder_that_is_swept_before_it_is_held_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, swept = tempfile.mkdtemp, list[str]()

    def swept_once(**how: object) -> str:
        path = make(**how)
        if not swept:
            os.rmdir(path)
            swept.append(path)
        return path

    monkeypatch.setattr("manifests.stores.holding.tempfile.mkdtemp", swept_once)
    with held_folder(tmp_path, "a-") as folder:
        assert folder.is_dir()
    assert len(swept) == 1
