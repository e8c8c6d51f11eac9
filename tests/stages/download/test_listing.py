"""Which tars a source's uri names: braces, globs, and what is refused before any work."""

import os
import tempfile
from pathlib import Path

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.downloads import as_nobody, stage_of

from manifests.errors import Refused
from stages.download.walk import Bounds

paths = st.lists(st.sampled_from(["a", "b", "a-", "a.", "é"]), min_size=1, max_size=4).map("/".join)


def tars(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(1024))
    return folder


def named(uri: str | Path) -> list[str]:
    """The tars of a source's tasks, by file name, in order."""
    return [task.facts["uri"].rsplit("/", 1)[-1] for task in stage_of("shards", uri).plan({})]


def reason(uri: str | Path, kind: str = "shards") -> str:
    """Why a source is refused."""
    with pytest.raises(Refused) as caught:
        stage_of(kind, uri).external_state()
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_braces_name_tars_in_order(tmp_path: Path) -> None:
    tars(tmp_path, "00.tar", "01.tar", "02.tar", "10.tar")
    assert named(tmp_path / "{00..02}.tar") == ["00.tar", "01.tar", "02.tar"]


def test_a_list_in_braces_names_each_once(tmp_path: Path) -> None:
    tars(tmp_path, "a.tar", "b.tar")
    assert named(tmp_path / "{b,a,b}.tar") == ["a.tar", "b.tar"]


def test_a_glob_names_all_there_are(tmp_path: Path) -> None:
    tars(tmp_path, "b.tar", "a.tar", "c.txt")
    assert named(tmp_path / "*.tar") == ["a.tar", "b.tar"]


def test_braces_and_globs_go_together(tmp_path: Path) -> None:
    tars(tmp_path, "train/0.tar", "val/0.tar", "test/0.tar")
    assert len(named(tmp_path / "{train,val}/*.tar")) == 2


def test_a_name_that_looks_like_a_glob_but_is_there_is_that_file(tmp_path: Path) -> None:
    tars(tmp_path, "[old]/0.tar", "o/0.tar")
    (task,) = stage_of("shards", tmp_path / "[old]" / "0.tar").plan({})
    assert task.facts["uri"] == str(tmp_path / "[old]" / "0.tar")


def test_a_tilde_and_a_relative_path_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tars(tmp_path, "0.tar")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for uri in ("0.tar", "./0.tar", "~/0.tar", "~/*.tar"):
        assert [task.facts["uri"] for task in stage_of("shards", uri).plan({})] == [str(tmp_path / "0.tar")]


def test_tars_in_a_bucket_are_named_alike() -> None:
    for name in ("0.tar", "1.tar", "2.tar"):
        fsspec.filesystem("memory").pipe_file(f"/listing-bucket/{name}", b"")
    assert named("memory://listing-bucket/*.tar") == ["0.tar", "1.tar", "2.tar"]
    assert named("memory://listing-bucket/{0..1}.tar") == ["0.tar", "1.tar"]


def test_a_link_to_a_tar_is_a_tar(tmp_path: Path) -> None:
    tars(tmp_path, "0.tar")
    (tmp_path / "1.tar").symlink_to("0.tar")
    assert named(tmp_path / "{0..1}.tar") == ["0.tar", "1.tar"]
    assert named(tmp_path / "*.tar") == ["0.tar", "1.tar"]


@pytest.mark.parametrize("uri", ["{a,gone}.tar", "{0..3}.tar", "gone.tar", "*.gone", "nowhere/*.tar"])
def test_a_tar_that_is_not_there_is_refused_by_name(uri: str, tmp_path: Path) -> None:
    tars(tmp_path, "a.tar", "0.tar", "1.tar")
    assert "gone" in reason(tmp_path / uri) or "2.tar" in reason(tmp_path / uri) or "nowhere" in reason(tmp_path / uri)


def test_braces_that_do_not_parse_are_refused(tmp_path: Path) -> None:
    tars(tmp_path, "a.tar")
    assert "do not parse" in reason(tmp_path / "{a,b.tar")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("braces", ["{0..99999999999}", "{000000..999999}/{00..99}"])
def test_a_range_that_would_fill_the_memory_is_refused(braces: str, tmp_path: Path) -> None:
    assert "name 100,000,000" in reason(tmp_path / f"{braces}.tar")


def test_a_broken_link_among_the_tars_is_refused_by_name(tmp_path: Path) -> None:
    tars(tmp_path, "0.tar")
    (tmp_path / "1.tar").symlink_to("nowhere.tar")
    assert "1.tar" in reason(tmp_path / "{0..1}.tar")


def test_a_link_to_itself_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "0.tar").symlink_to("0.tar")
    assert "0.tar" in reason(tmp_path / "0.tar")


def test_a_pipe_is_no_tar(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "0.tar")
    assert "names no file" in reason(tmp_path / "0.tar")


def test_a_tar_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    tars(tmp_path, os.fsdecode(b"\xff.tar"))
    assert "not UTF-8" in reason(tmp_path / "*.tar")


@pytest.mark.parametrize("kind", ["shards", "img2dataset"])
def test_a_folder_that_may_not_be_entered_is_refused(kind: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        tars(Path(name), "in/0.tar")
        Path(name, "in").chmod(0)
        with as_nobody():
            assert "in/0." in reason(Path(name, "in", "0.tar"), kind)


def test_a_source_that_changed_is_found_changed(tmp_path: Path) -> None:
    tars(tmp_path, "0.tar")
    stage = stage_of("shards", tmp_path / "*.tar")
    before = stage.external_state()
    assert stage.external_state() == before
    tars(tmp_path, "1.tar")
    assert stage.external_state() != before


@given(every=st.lists(paths, unique=True, max_size=8), after=st.none() | paths, to=st.none() | paths, folder=paths)
@settings(max_examples=60, deadline=None)
def test_bounds_never_pass_over_a_folder_that_holds_a_path_within_them(
    every: list[str], after: str | None, to: str | None, folder: str
) -> None:
    bounds = Bounds(after, to)
    inside = [f"{folder}/{path}" for path in every]
    assert bounds.meet(f"{folder}/") or not any(bounds.hold(path) for path in inside)
