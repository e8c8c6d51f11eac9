"""Where an export is written: a new folder of this machine outside of every run, or refused before any work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from world.authoring import frozen_run

from manifests.errors import Refused
from pipeline.benchmark.formats.writing.forms import FORMS, OF_THE_RUN
from pipeline.benchmark.photos import Photo
from pipeline.cli.formats import export_to
from pipeline.run.run import Run

EVERY = (*FORMS, *OF_THE_RUN)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_run(tmp_path_factory.mktemp("runs"), 2, training=1)


@pytest.fixture
def no_photo_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test in which an image is read: reading and decoding them is the work of an export."""

    def fails(photo: Photo) -> bytes:
        raise AssertionError(f"{photo.uri} was read before the export was refused")

    monkeypatch.setattr(Photo, "read", fails)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder -> its bytes; None for a folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def copied(run: Path, to: Path) -> Path:
    """The run once more, for a test that changes it."""
    return Path(shutil.copytree(run, to / run.name))


def refusal(run: str | Path, form: str, to: str | Path) -> str:
    with pytest.raises(Refused) as refused:
        export_to(Run.open(str(run)), form, to)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# --- links ---


def dangling(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "gone")
    return folder / "link"


def to_itself(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "link")
    return folder / "link"


def to_a_file(folder: Path) -> Path:
    (folder / "file").write_text("mine")
    (folder / "link").symlink_to(folder / "file")
    return folder / "link"


def to_a_folder_with_files(folder: Path) -> Path:
    (folder / "full").mkdir()
    (folder / "full" / "mine.txt").write_text("mine")
    (folder / "link").symlink_to(folder / "full")
    return folder / "link"


def below_a_dangling_link(folder: Path) -> Path:
    return dangling(folder) / "deep" / "MMVP"


LINKS = {
    dangling: r"link is a link to .*gone, which does not exist; make that folder, or name another folder with --to",
    to_itself: r"link is a link to .*link, which does not exist",
    to_a_file: r"link already exists; name another folder with --to, or remove it",
    to_a_folder_with_files: r"link already exists",
    below_a_dangling_link: r"MMVP cannot be written \(.*link is not a folder\); name another folder with --to",
}


@pytest.mark.usefixtures("no_photo_is_read")
@pytest.mark.parametrize("form", ["mmvp", "parquet"])
@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.__name__)
def test_a_link_that_leads_to_no_empty_folder_is_refused_before_any_work(
    run: Path, tmp_path: Path, link: Callable[[Path], Path], form: str
) -> None:
    to = link(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(Refused, match=LINKS[link]):
        export_to(Run.open(str(run)), form, to)
    assert tree(tmp_path) == before
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("form", EVERY)
def test_a_link_to_an_empty_folder_is_written_through(run: Path, tmp_path: Path, form: str) -> None:
    (tmp_path / "disk" / "large").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "large")
    answer = export_to(Run.open(str(run)), form, tmp_path / "link")
    assert answer.to == str(tmp_path / "disk" / "large")
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["large"]
    assert any((tmp_path / "disk" / "large").iterdir())


def test_a_folder_reached_through_a_link_is_written_there(run: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    export_to(Run.open(str(run)), "mmvp", tmp_path / "link" / "MMVP")
    assert (tmp_path / "disk" / "MMVP" / "Questions.csv").exists()


@pytest.mark.usefixtures("no_photo_is_read")
def test_a_mount_point_is_refused_before_any_work(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) == str(tmp_path / "disk"))
    assert "disk is where a disk is mounted, and cannot be replaced" in refusal(run, "mmvp", tmp_path / "disk")


@pytest.mark.usefixtures("no_photo_is_read")
def test_the_current_folder_through_a_link_is_refused(run: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    assert refusal(run, "mmvp", tmp_path / "link") == "--to is the current folder; name a new one"


# --- the run's own folder ---


def the_run(run: Path, aside: Path) -> str:
    return str(run)


def a_step(run: Path, aside: Path) -> str:
    return str(run / "pairs")


def a_new_folder_in_it(run: Path, aside: Path) -> str:
    return str(run / "new")


def deep_inside(run: Path, aside: Path) -> str:
    return str(run / "pairs" / "a" / "b" / "c")


def with_dots(run: Path, aside: Path) -> str:
    return f"{run}/pairs/../../{run.name}/new"


def through_a_link(run: Path, aside: Path) -> str:
    (aside / "link").symlink_to(run)
    return str(aside / "link" / "new")


def through_a_link_to_a_step(run: Path, aside: Path) -> str:
    (aside / "link").symlink_to(run / "pairs")
    return str(aside / "link" / "new")


def a_link_to_an_empty_folder_in_it(run: Path, aside: Path) -> str:
    (run / "empty").mkdir()
    (aside / "link").symlink_to(run / "empty")
    return str(aside / "link")


def as_a_url(run: Path, aside: Path) -> str:
    return f"file://{run}/new"


INSIDE = (
    *(the_run, a_step, a_new_folder_in_it, deep_inside, with_dots, through_a_link, through_a_link_to_a_step),
    *(a_link_to_an_empty_folder_in_it, as_a_url),
)


@pytest.mark.usefixtures("no_photo_is_read")
@pytest.mark.parametrize("form", ["llava", "parquet"])
@pytest.mark.parametrize("place", INSIDE, ids=lambda place: place.__name__)
def test_an_export_into_the_run_is_refused_before_any_work(
    run: Path, tmp_path: Path, place: Callable[[Path, Path], str], form: str
) -> None:
    run = copied(run, tmp_path)
    (aside := tmp_path / "aside").mkdir()
    to = place(run, aside)
    before = tree(tmp_path)
    assert f"lies in the run {run}; an export is not part of a run, so name a folder elsewhere" in refusal(
        run, form, to
    )
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("no_photo_is_read")
def test_the_default_folder_is_refused_for_one_who_stands_in_the_run(run: Path, monkeypatch) -> None:
    monkeypatch.chdir(run)
    assert f"lies in the run {run}" in refusal(".", "mmvp", f"{run.name}-mmvp")


@pytest.mark.usefixtures("no_photo_is_read")
@pytest.mark.parametrize("named", ["run", "link"])
def test_a_run_whose_steps_lie_elsewhere_is_still_one_folder(run: Path, tmp_path: Path, named: str) -> None:
    run = copied(run, tmp_path)
    (tmp_path / "disk").mkdir()
    (run / "pairs").rename(tmp_path / "disk" / "moved")
    (run / "pairs").symlink_to(tmp_path / "disk" / "moved")
    (tmp_path / "link").symlink_to(run)
    asked = {"run": run, "link": tmp_path / "link"}[named]
    assert f"lies in the run {asked}" in refusal(asked, "mmvp", asked / "pairs" / "new")
    moved = tmp_path / "disk" / "moved"
    assert f"lies in {moved}, a step of a run" in refusal(asked, "mmvp", moved / "new")


@pytest.mark.usefixtures("no_photo_is_read")
def test_an_export_into_another_run_is_refused_too(run: Path, tmp_path: Path) -> None:
    other = copied(run, tmp_path)
    assert f"lies in the run {other}" in refusal(run, "mmvp", other / "new")


def test_beside_the_run_it_is_written(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 1)
    assert export_to(Run.open(str(run)), "mmvp", tmp_path / f"{run.name}-mmvp").pairs == 1
    assert export_to(Run.open(str(run)), "mmvp", run / ".." / "MMVP").to == str(tmp_path / "MMVP")


def test_a_name_that_no_disk_takes_is_refused_before_any_work(run: Path, tmp_path: Path) -> None:
    assert "a name of more than 255 bytes" in refusal(run, "mmvp", tmp_path / ("a" * 300))
