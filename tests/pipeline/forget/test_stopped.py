"""A forget that was stopped at any write: what is left is refused to others, and finished by the next one."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest
from world.commands import blindpairs, started
from world.forgetting import classes, traces, whole, whole_lot
from world.gate import Gate
from world.growing import rows, values
from world.inline import made_here
from world.processes import PATIENCE_S, until

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.cli.summaries import rows_of
from pipeline.forget.forget import forget
from pipeline.reports.audit.audit import audit
from pipeline.reports.gallery.write import write_report
from pipeline.run.removal.intent import Intent
from pipeline.run.run import Run

MOMENTS = int(os.environ.get("MOMENTS", "4"))


class Stopped(BaseException):
    """As good as a kill: nothing of the code under test catches it."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that grew once, in which images stand for copies."""
    tars = tmp_path / "tars"
    for names, seed in ((["b", "d", "f"], 5), (["a", "c"], 6)):
        whole_lot(tars, names, Random(seed))
        made_here(values(tars), tmp_path)
    return tmp_path / "test"


def chosen(tmp_path: Path) -> list[str]:
    """Two images that stand for others, in this test's run."""
    manifests, _ = made_here(values(tmp_path / "tars"), tmp_path)
    groups = classes(manifests)
    return sorted(groups, key=lambda name: (-len(groups[name]), name))[:2]


@contextmanager
def stopping(monkeypatch: pytest.MonkeyPatch, after: int) -> Iterator[list[str]]:
    """Stop at a write or removal: the one after so many."""
    seen: list[str] = []

    def counted(method):
        def instead(folder: Folder, name: str, *words):
            if not name.startswith("_driver"):
                if len(seen) == after:
                    raise Stopped
                seen.append(f"{method.__name__} {folder.name}/{name}")
            return method(folder, name, *words)

        return instead

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "aside", counted(Folder.aside))  # `write` goes this way on a disk
        patch.setattr(Folder, "forget", counted(Folder.forget))
        yield seen


def test_stopped_at_any_write_the_next_one_ends_with_the_same_bytes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, before = chosen(tmp_path), tmp_path / "before"
    write_report(Run.open(str(run)))
    shutil.copytree(run, before)
    with stopping(monkeypatch, 10**9) as writes:
        forget(str(run), gone)
    ended = whole(run)
    assert ended != whole(before)
    moments = sorted(Random(7).sample(range(1, len(writes)), min(MOMENTS, len(writes) - 1)))
    for moment in moments:
        shutil.rmtree(run)
        shutil.copytree(before, run)
        with stopping(monkeypatch, moment), pytest.raises(Stopped):
            forget(str(run), gone)
        if Intent.read(Folder(str(run))):
            check_refused(run, tmp_path)
            with stopping(monkeypatch, moment // 2), suppress(Stopped):
                forget(str(run), [])
        if Intent.read(Folder(str(run))):
            forget(str(run), [])
        if not (run / "report.html").exists():  # the gallery comes last, and is no part of it
            write_report(Run.open(str(run)))
        assert whole(run) == ended, f"stopped before {writes[moment]}"
    assert made_here(values(tmp_path / "tars"), tmp_path)[1] == []


def check_refused(run: Path, root: Path) -> None:
    finishes = f"`blindpairs forget {run}` finishes it"
    for look in (
        lambda: write_report(Run.open(str(run))),
        lambda: audit(Run.open(str(run)), images=9, seed=0),
        lambda: rows_of(Run.open(str(run)), "pairs", 1),
    ):
        with pytest.raises(Refused, match=finishes):
            look()
    with pytest.raises(Refused, match=finishes):
        made_here(values(root / "tars"), root)


def test_killed_before_random_files_the_same_command_finishes(run: Path, tmp_path: Path) -> None:
    manifests, _ = made_here(values(tmp_path / "tars"), tmp_path)
    gone = chosen(tmp_path)
    keys = [row["key"] for row in rows(manifests["images"]) if row["image_id"] in gone]
    gate = Gate(tmp_path)
    for after in (0, Random(3).randrange(1, 10)):
        gate.close(f"{run}/*/*", after=after)
        driver = started("forget", str(run), *gone, gate=gate)
        until(lambda driver=driver: gate.waiting() or driver.poll() is not None)
        assert (run / "_removal.json").exists()
        driver.send_signal(signal.SIGKILL)
        driver.communicate(timeout=PATIENCE_S)
    ended = blindpairs("forget", str(run), *gone)
    assert ended.returncode == 0, ended.stderr
    assert made_here(values(tmp_path / "tars"), tmp_path)[1] == []
    assert traces(run, [*gone, *keys]) == []
    assert not audit(Run.open(str(run)), images=100, seed=0).defect
