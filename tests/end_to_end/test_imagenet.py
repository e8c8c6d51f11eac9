"""ImageNet in four forms: one corpus, and the same pairs whichever way it was downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from world.ilsvrc import Photos, drawn, write_folders, write_hub, write_train_tar, write_webdataset
from world.inline import made_here
from world.runs import make, recipe

from manifests.manifest import Manifest
from pipeline.reports.gallery.write import write_report
from pipeline.run.run import Run

pytestmark = pytest.mark.slow

PHOTOS = drawn(40)
FORMS: dict[str, Callable[[Path, Photos], object]] = {
    "tar": write_train_tar,
    "folder": write_folders,
    "webdataset": write_webdataset,
    "hub": write_hub,
}
Pairs = dict[tuple[str, str], tuple[float, float]]  # sha256 of both -> both cosines


def pairs(made: dict[str, Manifest]) -> Pairs:
    sha256 = {
        row["image_id"]: row["sha256"]
        for batch in made["images"].batches(["image_id", "sha256"])
        for row in batch.to_pylist()
    }
    found: Pairs = {}
    for batch in made["pairs"].batches(["left_id", "right_id", "blind_cosine", "reference_cosine", "reason"]):
        for row in batch.to_pylist():
            left, right = sorted((sha256[row["left_id"]], sha256[row["right_id"]]))
            found[left, right] = (row["blind_cosine"], row["reference_cosine"])
    return found


def values(form: str, folder: Path) -> dict[str, object]:
    source = {"name": "imagenet", "kind": "imagenet", "uri": str(FORMS[form](folder / form, PHOTOS))}
    return recipe([source], images={"shard_rows": 10}, search={"max_per_image": None})


@pytest.fixture(scope="module")
def from_the_tar(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    folder = tmp_path_factory.mktemp("tar")
    made, _ = made_here(values("tar", folder), folder / "runs")
    assert made["embeddings"].counts.ok == len(PHOTOS)
    return pairs(made)


@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_the_same_images_in_another_form_give_the_same_pairs(form: str, from_the_tar: Pairs, tmp_path: Path) -> None:
    made, _ = made_here(values(form, tmp_path), tmp_path / "runs")
    assert len(from_the_tar) >= 5
    assert pairs(made) == from_the_tar


def test_the_hubs_parquet_gives_the_same_pairs_by_workers_and_a_gallery_with_its_photos(
    from_the_tar: Pairs, tmp_path: Path
) -> None:
    made = make(values("hub", tmp_path), tmp_path / "runs")
    assert pairs(made) == from_the_tar
    write_report(Run.open(str(tmp_path / "runs" / "test")))
    kept = made["pairs"].counts.ok
    assert (tmp_path / "runs" / "test" / "report.html").read_text().count("data:image/webp") >= 2 * kept > 0
