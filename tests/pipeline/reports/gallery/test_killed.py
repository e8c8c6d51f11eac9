"""A process that was killed while it wrote the gallery leaves photos half written: the next command removes them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from world.commands import blindpairs, started
from world.growing import picture, rows, values
from world.inline import made_here
from world.processes import until

from pipeline.forget.forget import forget
from pipeline.reports.gallery.write import rewrite_report
from pipeline.run.run import Run


def recipe(root: Path) -> dict[str, object]:
    return values(root / "photos") | {
        "images": {"sources": [{"name": "photos", "kind": "folder", "uri": str(root / "photos")}]}
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A root with photos and a run of them, and the photo that the gallery comes to last."""
    root = tmp_path_factory.mktemp("killed")
    (root / "photos").mkdir()
    for number in range(60):
        (root / "photos" / f"{number:02}.png").write_bytes(picture(number))
    manifests, _ = made_here(recipe(root), root)
    first: dict[str, int] = {}
    for pair in sorted((row for row in rows(manifests["pairs"]) if row["rank"]), key=lambda row: row["rank"]):
        first.setdefault(pair["left_id"], pair["rank"])
        first.setdefault(pair["right_id"], pair["rank"])
    last = max(first, key=first.__getitem__)
    return root, next(Path(row["uri"]) for row in rows(manifests["images"]) if row["image_id"] == last)


def half_written(run: Path) -> list[Path]:
    return list(run.rglob("*.aside"))


@contextmanager
def writing_a_gallery(made: tuple[Path, Path]) -> Iterator[tuple[subprocess.Popen[str], Callable[[], None]]]:
    """A process that has written most of a gallery and waits for its last photo; call to let the photo come."""
    (root, photo), away = made, made[0] / "away"
    photo.rename(away)
    os.mkfifo(photo)
    writer = started("report", str(root / "test"))

    def let_go() -> None:
        with suppress(BrokenPipeError):  # who reads a pipe may close it before all is written
            photo.write_bytes(away.read_bytes())

    try:
        until(lambda: any(b"data:image/" in one.read_bytes() for one in half_written(root / "test")))
        yield writer, let_go
    finally:
        writer.kill()
        writer.communicate()
        photo.unlink()
        away.rename(photo)


@pytest.fixture(scope="module")
def killed(made: tuple[Path, Path]) -> Path:
    """The run as it is when a process was killed while it wrote its gallery."""
    run = made[0] / "test"
    with writing_a_gallery(made):
        pass
    assert len(half_written(run)) == 1
    return shutil.copytree(run, made[0] / "killed")


def next_run(root: Path) -> None:
    assert made_here(recipe(root), root)[1] == []


def next_report(root: Path) -> None:
    rewrite_report(Run.open(str(root / "test")))


def next_forget(root: Path) -> None:
    manifests, _ = made_here(recipe(root), root)
    forget(str(root / "test"), [rows(manifests["images"])[0]["image_id"]])


def next_forget_of_what_is_not_there(root: Path) -> None:
    forget(str(root / "test"), ["0" * 32])


@pytest.mark.parametrize("then", [next_run, next_report, next_forget, next_forget_of_what_is_not_there])
def test_the_next_command_removes_the_gallery_that_a_killed_process_was_writing(
    killed: Path, then: Callable[[Path], None]
) -> None:
    root = killed.parent
    shutil.rmtree(root / "test")
    shutil.copytree(killed, root / "test")
    then(root)
    assert half_written(root / "test") == []


def test_while_a_gallery_is_written_nobody_takes_out_images_that_it_would_show(made: tuple[Path, Path]) -> None:
    run = made[0] / "test"
    with writing_a_gallery(made) as (writer, let_go):
        refused = blindpairs("forget", str(run), "0" * 32)
        assert refused.returncode == 2
        assert f"is being made by process {writer.pid}" in refused.stderr
        let_go()
        writer.communicate()
    assert writer.returncode == 0
    assert half_written(run) == []
    assert (run / "report.html").exists()
