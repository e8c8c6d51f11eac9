"""Run: opened once, with each of its manifests, and handed on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from world.authoring import frozen_run

from manifests.errors import NotCommitted, Refused
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.benchmark.benchmark import read_benchmark
from pipeline.cli.formats import export_to
from pipeline.run.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return frozen_run(tmp_path, 2)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each manifest was opened."""
    times, opens = Counter[str](), Manifest.open

    def counting(folder: Folder) -> Manifest:
        times[folder.name] += 1
        return opens(folder)

    monkeypatch.setattr(Manifest, "open", counting)
    return times


def test_an_export_opens_each_manifest_once(run: Path, tmp_path: Path, opened: Counter[str]) -> None:
    export_to(Run.open(str(run)), "mmvp", tmp_path / "out")
    assert opened == {"images": 1, "pairs": 1, "questions-1": 1}


def test_a_run_stays_as_it_was_opened_until_it_is_reopened(run: Path, opened: Counter[str]) -> None:
    one = Run.open(f"{run}/")
    before = read_benchmark(one)
    (run / "pairs" / COMMIT).unlink()
    assert read_benchmark(one) == before
    assert one.has("pairs")
    assert not one.reopened().has("pairs")
    with pytest.raises(NotCommitted, match="holds no finished manifest"):
        one.reopened().manifest("pairs")
    assert opened["images"] == 1


def test_of_questions_the_newest_version_is_meant(run: Path) -> None:
    one = Run.open(str(run))
    assert one.manifest("questions") is one.questions(1)[1]
    with pytest.raises(NotCommitted, match="has no questions-2; versions are: questions-1"):
        one.manifest("questions-2")


def test_what_is_not_a_step_is_refused_with_those_there_are(run: Path) -> None:
    with pytest.raises(
        Refused, match=r"there is no step 'pair'; did you mean pairs\? steps are: images, .*, questions"
    ):
        Run.open(str(run)).manifest("pair")
