"""The rehearsal: real workers of the real executor, of which a stage of known speed is measured."""

from __future__ import annotations

import io
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from world.processes import PATIENCE_S
from world.sleeping import sleeping, together

from manifests.errors import Refused
from pipeline.plan.rehearsal import corpus, photos, rehearse
from pipeline.plan.rehearsal.pace import Beat
from pipeline.plan.rehearsal.rehearse import OutOfTime, Rehearsal, Unmeasured, at_most, rehearsed

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the driver's clock each worker makes 50 images a second."""
    clocks = Counter[str]()

    def beat(worker: str, at: float, images: int, *more: Any) -> Beat:
        clocks[worker] += images / 50
        return Beat(worker, clocks[worker], images, *more)

    monkeypatch.setattr(rehearse, "Beat", beat)


def test_the_rate_is_that_of_all_workers_together(scratch: Path, tmp_path_factory, paced: None) -> None:
    found = rehearsed(together(2, tmp_path_factory.mktemp("together")), PATIENCE_S)
    assert isinstance(found, Rehearsal)
    assert found.pace.workers == 2
    assert found.pace.rate == pytest.approx(100)
    assert (found.pace.computed, found.pace.warm_up_only, found.gpus, found.cores) == ("its sleep", False, 0, 2)
    assert found.decode_s > 0
    assert list(scratch.iterdir()) == []


def test_what_is_too_slow_is_left_when_the_time_is_over(scratch: Path) -> None:
    found = rehearsed(sleeping(work="rings", count=1), PATIENCE_S)
    assert isinstance(found, Unmeasured)
    assert f"within {PATIENCE_S:g} s no worker had embedded an image here" in str(found)
    assert list(scratch.iterdir()) == []


def test_what_never_ends_is_left_by_the_clock() -> None:
    with pytest.raises(OutOfTime), at_most(0.05):
        threading.Event().wait(PATIENCE_S)


def test_an_encoder_that_cannot_be_set_up_is_refused_in_its_own_words(scratch: Path) -> None:
    with pytest.raises(Refused, match="sleeping: the weights are not those of this model; name others"):
        rehearsed(sleeping(setup="refuses", count=2), PATIENCE_S)
    assert list(scratch.iterdir()) == []


def test_an_encoder_that_fails_on_photos_is_refused(scratch: Path) -> None:
    with pytest.raises(Refused, match="embeddings: drawn photos cannot be embedded here: ValueError: no luck"):
        rehearsed(sleeping(work="raises", count=1), PATIENCE_S)
    assert list(scratch.iterdir()) == []


def test_workers_that_this_machine_cannot_have_are_no_reason_to_refuse_a_plan() -> None:
    found = rehearsed(sleeping(gpus=4096))
    assert isinstance(found, Unmeasured)
    assert "ask for 4096 GPUs" in found.to_json()["not_measured"]


def test_photos_are_different_files_of_the_size_of_photos(tmp_path: Path) -> None:
    photos.draw(tmp_path, 20)
    found = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(set(found)) == 20
    assert all(60_000 <= len(data) <= 110_000 for data in found)
    assert {Image.open(io.BytesIO(data)).size for data in found} == {(500, 375)}


@pytest.mark.parametrize(("gpus", "rows"), [(False, [1, 2, 4, 512]), (True, [32, 64, 128, 4096])])
def test_shards_double_from_the_smallest_to_the_largest(tmp_path: Path, gpus: bool, rows: list[int]) -> None:
    made = corpus.written(tmp_path, gpus=gpus)
    assert [shard.rows for shard in made.shards][:3] == rows[:3]
    assert made.shards[-1].rows == rows[3]
    assert made.counts.ok == made.rows
    names = [int(task.name) for task in corpus.tasks(3, gpus=gpus)]
    assert names[:12] == [rows[0]] * 6 + [rows[1]] * 6
    assert {task.name for task in corpus.tasks(3, gpus=gpus)} == {shard.name for shard in made.shards}
