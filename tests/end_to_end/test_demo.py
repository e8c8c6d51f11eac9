"""The demo is the whole main job, with the truth known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from world.commands import blindpairs
from world.in_process import answered
from world.runs import contents

from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.run.layout import ORDER


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the demo printed, and where it put things."""
    out = tmp_path_factory.mktemp("demo")
    ended = blindpairs("demo", "--out", str(out), "--scenes", "200", "--evaluate")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, out


def test_it_finds_at_least_nine_in_ten_of_the_planted_pairs(shown: tuple[str, Path]) -> None:
    found, planted = map(int, re.search(r"found (\d+) of (\d+) planted pairs", shown[0]).groups())
    assert planted == 90
    assert found >= 0.9 * planted


def test_it_keeps_no_pair_that_the_definition_forbids(shown: tuple[str, Path]) -> None:
    assert "0 kept pairs that the definition forbids" in shown[0]


def test_it_says_for_each_of_the_nine_patterns_what_was_missed_and_why(shown: tuple[str, Path]) -> None:
    rows = re.findall(r"^(\w+) +10 +(\d+) +(\d+)(?:  (.+))?$", shown[0], re.MULTILINE)
    assert len(rows) == 9
    assert all(int(found) + int(missed) == 10 and bool(why) == (missed != "0") for _, found, missed, why in rows)


def test_the_gallery_is_where_it_says_and_asks_no_network(shown: tuple[str, Path]) -> None:
    gallery = Path(re.search(r"gallery: (.+)", shown[0]).group(1))
    page = gallery.read_text()
    assert page.count('src="data:image/') >= 2 * 80
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_the_built_in_models_get_what_they_must_and_the_page_is_there(shown: tuple[str, Path]) -> None:
    rows = dict(re.findall(r"^(oracle|coin|always-a) +letter +(.+)$", shown[0], re.MULTILINE))
    right = {model: re.findall(r"([\d.]+) \(([\d.]+) to ([\d.]+)\)", row) for model, row in rows.items()}
    assert [one[0] for one in right["oracle"]] == ["100.0", "100.0"]
    assert [one[0] for one in right["always-a"]] == ["50.0", "0.0"]
    for (_, low, high), expected in zip(right["coin"], (50, 25), strict=True):
        assert float(low) < expected < float(high)
    page = Path(re.search(r"leaderboard: (.+)", shown[0]).group(1)).read_text()
    assert page.count('class="card"') == int(re.search(r"questions in (\d+) pairs", shown[0]).group(1))


def test_it_can_be_repeated_and_says_the_same(shown: tuple[str, Path]) -> None:
    before = {step: contents(shown[1] / "runs/demo" / step) for step in ORDER}
    again = blindpairs("demo", "--out", str(shown[1]), "--scenes", "200", "--evaluate")
    assert again.stdout == shown[0]
    assert {step: contents(shown[1] / "runs/demo" / step) for step in before} == before


def test_after_a_forget_it_says_which_images_are_missing_and_what_to_do(tmp_path: Path) -> None:
    assert answered("demo", "--out", tmp_path, "--scenes", "20").returncode == 0
    pairs = Manifest.open(Folder(str(tmp_path / "runs/demo/pairs")))
    left = next(pairs.batches(("left_id",), 1)).column(0)[0].as_py()
    assert answered("forget", tmp_path / "runs/demo", left).returncode == 0
    again = answered("demo", "--out", tmp_path, "--scenes", "20").stdout
    assert "1  1 image forgotten\n" in again
    assert "1 image was forgotten from this run; to find the pairs of all scenes, give a new folder with --out" in again
    assert "not readable" not in again
