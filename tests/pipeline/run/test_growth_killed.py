"""A run that was killed while it grew, or grew after it was killed: it goes on, and nothing is made twice or lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from world.growing import agreed, left, lot, values
from world.inline import made_here

from manifests.storage import Folder

pytestmark = pytest.mark.slow


@pytest.fixture
def tars(tmp_path: Path) -> Path:
    """Four tars with names that leave room between them."""
    lot(tmp_path / "tars", ["b", "d", "f", "h"], Random(1))
    return tmp_path / "tars"


def fresh(tars: Path, root: Path):
    """The same source, made at once."""
    return made_here(values(tars) | {"run": "fresh"}, root)[0]


class Killed(BaseException):
    """As kill -9, to the driver."""


def dying(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], bool]:
    """Die before the driver's plan, commit or removal of that number; whether it came to that."""
    left_over, died = [number], []
    aside, forget = Folder.aside, Folder.forget

    def due(name: str, writes: bool) -> None:
        if name.startswith("_driver") or (writes and not name.startswith("_")):
            return  # a kill would not give the lease back; half the shards there are a case of other tests
        left_over[0] -= 1
        if left_over[0] == -1:
            died.append(name)
            raise Killed

    def dying_aside(self: Folder, name: str):
        due(name, writes=True)
        return aside(self, name)

    def dying_forget(self: Folder, name: str) -> None:
        if self.has(name):
            due(name, writes=False)
        forget(self, name)

    monkeypatch.setattr(Folder, "aside", dying_aside)
    monkeypatch.setattr(Folder, "forget", dying_forget)
    return lambda: bool(died)


def test_killed_before_any_plan_commit_or_removal_the_same_command_goes_on(tars: Path, tmp_path: Path) -> None:
    made_here(values(tars), tmp_path / "old")
    old = left(tmp_path / "old/test")
    lot(tars, ["a", "c"], Random(4))
    expected = agreed(fresh(tars, tmp_path))
    moment, came = 0, True
    while came:
        root = tmp_path / f"at-{moment}"
        shutil.copytree(tmp_path / "old", root)
        start = {name: mark for name, mark in left(root / "test").items() if "pairs" not in name}
        with pytest.MonkeyPatch.context() as patch:
            happened = dying(patch, moment)
            with suppress(Killed):
                made_here(values(tars), root)
            came = happened()
        halfway = {name: mark for name, mark in left(root / "test").items() if "pairs" not in name}
        if moment % 3 == 0 and came:  # and grown again before it is done
            lot(tars, ["e"], Random(7))
            grown, _ = made_here(values(tars), root)
            assert agreed(grown) == agreed(fresh(tars, root))
            (tars / "e.tar").unlink()
        else:
            grown, _ = made_here(values(tars), root)
            assert agreed(grown) == expected
        end = left(root / "test")
        assert {name: end[name] for name in {**start, **halfway}} == {**start, **halfway}, "made twice, or lost"
        assert {name: mark[2] for name, mark in start.items()} == {n: old[n][2] for n in start}
        shutil.rmtree(root)
        moment += 1
    assert moment > 15


@pytest.mark.parametrize("moment", [3, 5, 6, 8, 11])
def test_a_first_run_that_was_killed_and_then_grew_is_one_like_any_other(
    tars: Path, tmp_path: Path, moment: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        dying(patch, moment)
        made_here(values(tars), tmp_path)
    before = {name: mark for name, mark in left(tmp_path / "test").items() if "directions" not in name}
    lot(tars, ["a", "c"], Random(4))
    grown, made = made_here(values(tars), tmp_path)
    assert len(made) == len(set(made))
    after = left(tmp_path / "test")
    assert {name: after[name] for name in before if "pairs" not in name} == {
        name: mark for name, mark in before.items() if "pairs" not in name
    }
    assert agreed(grown) == agreed(fresh(tars, tmp_path))
