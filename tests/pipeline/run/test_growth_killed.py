"""A run that was killed while it grew, or grew after it was killed: it goes on, and nothing is made twice or lost."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from world.dying import Killed, dying
from world.growing import agreed, left, lot, values
from world.inline import made_here

pytestmark = pytest.mark.slow


@pytest.fixture
def tars(tmp_path: Path) -> Path:
    """Four tars with names that leave room between them."""
    lot(tmp_path / "tars", ["b", "d", "f", "h"], Random(1))
    return tmp_path / "tars"


def fresh(tars: Path, root: Path):
    """The same source, made at once."""
    return made_here(values(tars) | {"run": "fresh"}, root)[0]


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
