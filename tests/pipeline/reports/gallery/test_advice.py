"""Where a run has no pairs, the advised command gives about fifty."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from world.growing import picture
from world.inline import commands_run_here
from world.runs import recipe

from pipeline.launch.launch import make
from pipeline.reports.gallery.advice import Choice, Pool, nearest_to_wanted
from pipeline.run.summary import RunSummary

OPTIONS = {"--root": "root", "--run": "name", "--redo": "redo"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few") / "home" / "ann" / "photos"
    folder.mkdir(parents=True)
    for number in range(30):
        (folder / f"{number:02}.png").write_bytes(picture(number))
    return folder


@pytest.fixture
def command(tmp_path: Path, photos: Path) -> Iterator[Callable[..., RunSummary]]:
    """Run `blindpairs run` with these words in this process."""

    def run(*words: str) -> RunSummary:
        assert words[:2] == ("blindpairs", "run")
        pairs = list(zip(words[3::2], words[4::2], strict=True))
        named = {OPTIONS[option]: value for option, value in pairs if option in OPTIONS}
        changes = [value for option, value in pairs if option == "--set"]
        return make(words[2], changes, named["root"], named.get("name"), None, False, None, redo=named.get("redo"))

    with commands_run_here():
        yield run


def first(tmp_path: Path, photos: Path, floor: float) -> list[str]:
    """The words of a run that gives no pair."""
    values = recipe(
        [{"name": "photos", "kind": "folder", "uri": str(photos)}], search={"min_cosine": floor, "max_per_image": None}
    )
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values | {"run": "mine"}))
    settings = ["--set", "filter.blind_min=0.999", "--set", "filter.reference_max=-0.9"]
    return ["blindpairs", "run", str(tmp_path / "mine.yaml"), *settings, "--root", str(tmp_path / "my runs")]


def commands(summary: RunSummary) -> list[list[str]]:
    return [shlex.split(line) for line in str(summary).splitlines() if line.startswith("  blindpairs")]


def kept(summary: RunSummary) -> int:
    return summary.steps[-1].counts.ok


def test_the_command_at_the_end_of_a_run_without_pairs_gives_about_fifty(
    command: Callable[..., RunSummary], tmp_path: Path, photos: Path
) -> None:
    none = command(*first(tmp_path, photos, 0.3))
    assert kept(none) == 0
    assert "0 blind pairs among 30 images" in none.next
    (advised,) = commands(none)
    page = " ".join((tmp_path / "my runs/mine/report.html").read_text().split())
    settings = [word for word in advised if word.startswith("filter.")]
    shown = f"blindpairs run mine.yaml --set {settings[0]} --set {settings[1]}</code>"
    assert shown in page
    assert "/ann/" not in page
    assert str(tmp_path) not in page
    some = command(*advised)
    assert 40 <= kept(some) <= 60
    assert f"For {kept(some)} pairs, without a new search:" in none.next
    assert some.next.startswith(f"{kept(some)} blind pairs among 30 images")
    assert commands(some) == []


def test_where_the_search_floor_is_in_the_way_it_is_said_and_the_command_lowers_it(
    command: Callable[..., RunSummary], tmp_path: Path, photos: Path
) -> None:
    none = command(*first(tmp_path, photos, 0.999))
    assert kept(none) == 0
    assert "a blind cosine >= 0.999 (search.min_cosine), too high for about 50 pairs" in none.next
    wider = commands(none)[-1]
    assert wider[-2:] == ["--redo", "directions"]
    page = " ".join((tmp_path / "my runs/mine/report.html").read_text().split())
    assert "That is too high for about 50 pairs" in page
    assert re.search(
        r"--set search.min_cosine=[\d.-]+ --set filter.blind_min=[\d.-]+ .* --redo directions</code>", page
    )


def pool(pairs: int, most: float = 0.5) -> Pool:
    rng = np.random.default_rng(pairs)
    return Pool(rng.uniform(0.5, 1.0, pairs), rng.uniform(0.0, most, pairs), pairs)


def met(pool: Pool, choice: Choice) -> int:
    return int(((pool.blind >= choice[0]) & (pool.reference < choice[1])).sum())


@pytest.mark.parametrize("pairs", [60, 1000, 30_000])
def test_of_many_candidates_about_fifty_are_let_through(pairs: int) -> None:
    many = pool(pairs)
    found = nearest_to_wanted(many, (0.99, 0.01), 0.5, lambda choice: met(many, choice))
    assert found
    assert 40 <= found[1] == met(many, found[0]) <= 60


@pytest.mark.parametrize("pairs", [3, 60, 1000])
def test_no_pair_on_which_the_encoders_agree_is_let_through(pairs: int) -> None:
    many = pool(pairs, most=1.0)
    for wanted in (1, pairs // 2, pairs):
        blind_min, reference_max = many.loosened(wanted, (0.99, 0.01), 0.5)
        assert reference_max <= blind_min


def test_of_few_candidates_all_are_let_through() -> None:
    few = pool(7)
    found = nearest_to_wanted(few, (0.99, 0.01), 0.5, lambda choice: met(few, choice))
    assert found
    assert found[1] == 7


@pytest.mark.parametrize("share", [0, 0.2])
def test_pairs_that_the_filter_takes_out_are_made_up_for(share: float) -> None:
    many = pool(2000)
    found = nearest_to_wanted(many, (0.99, 0.01), 0.5, lambda choice: int(share * met(many, choice)))
    assert (found is None) if not share else (found is not None and 40 <= found[1] <= 60)


def test_where_there_is_no_candidate_nothing_is_tried() -> None:
    def fails(choice: Choice) -> int:
        raise AssertionError(choice)

    assert nearest_to_wanted(Pool(np.empty(0), np.empty(0), 0), (0.95, 0.6), 0.9, fails) is None
