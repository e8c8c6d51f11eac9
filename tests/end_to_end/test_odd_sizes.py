"""Photos of odd sizes get the vectors of DINOv2's own evaluation, and the pairs of brute force on these.

By default some photos; BLINDPAIRS_PHOTOS=all takes 200 (`make test-photos`).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from world.inline import make_here
from world.reference_path import brute_force, photos_in_folder, reference_vectors
from world.runs import make, recipe

ALL = os.environ.get("BLINDPAIRS_PHOTOS") == "all"
PHOTOS = 200 if ALL else 16
SIDES = (225, 700)  # pixels, least and most: the long side is odd as often as even when the short one is 256
THRESHOLDS = {"blind_min": 0.65, "reference_max": 0.60} if ALL else {"blind_min": 0.4, "reference_max": 0.85}
MAKE = make if ALL else make_here  # of few photos without loading torch again

pytestmark = [pytest.mark.shared, pytest.mark.timeout(4 * 3600 if ALL else 1800)]


@pytest.fixture(scope="module")
def cut(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cuts of each of some photos, of sides drawn from SIDES as far as the photo reaches."""
    folder, dice = tmp_path_factory.mktemp("cut"), np.random.default_rng(0)
    photos = sorted((shared / "photos/imagenet").rglob("*.JPEG"))
    large = [path for path in photos if min(Image.open(path).size) > SIDES[0]]
    for number in range(PHOTOS):
        image = Image.open(large[number // 2]).convert("RGB")
        width, height = (int(dice.integers(SIDES[0], min(SIDES[1], side) + 1)) for side in image.size)
        left, top = (int(dice.integers(room + 1)) for room in (image.width - width, image.height - height))
        image.crop((left, top, left + width, top + height)).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture(scope="module")
def oracle(cut: Path, shared: Path):
    """The photos' names, and their vectors by open_clip and by torchvision and the transformers network."""
    named, models = list(photos_in_folder("cut", cut)), shared / "models"
    clip, dino = models / "clip-lite-flickr8k", models / "dinov2-small-saliency"
    return [name for name, _ in named], reference_vectors(
        [data for _, data in named], clip, dino, dinov2s_own_pixels=True
    )


@pytest.fixture(scope="module")
def run(cut: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory):
    encoders = {
        "clip": {"kind": "open_clip", "model": f"local-dir:{shared}/models/clip-lite-flickr8k"},
        "dino": {
            "kind": "transformers",
            "model": f"{shared}/models/dinov2-small-saliency",
            "preprocessing": "torchvision",
        },
    }
    return MAKE(
        recipe(
            [{"name": "cut", "kind": "folder", "uri": str(cut)}],
            embed={"encoders": encoders},
            search={"blind": "clip", "reference": "dino", "min_cosine": THRESHOLDS["blind_min"]},
            filter={**THRESHOLDS, "near_duplicate_min": None, "max_pairs_per_image": None},
        ),
        tmp_path_factory.mktemp("runs"),
    )


def test_the_vectors_are_those_of_dinov2s_own_evaluation(run, oracle) -> None:
    names, (_, wanted) = oracle
    keys = dict(_keys(run))
    found = {
        keys[row["image_id"]]: np.array(row["dino"], np.float64)
        for batch in run["embeddings"].batches(("image_id", "dino"))
        for row in batch.to_pylist()
    }
    ours = np.stack([found[Path(path).stem] for _, path in names])
    cosines = (ours / np.linalg.norm(ours, axis=1, keepdims=True) * wanted).sum(axis=1)
    assert len(cosines) == PHOTOS
    assert cosines.min() >= 0.999999


def test_the_pairs_are_exactly_those_of_brute_force_on_them(run, oracle) -> None:
    names, vectors = oracle
    cosines = brute_force(names, *vectors)
    near, far = THRESHOLDS["blind_min"], THRESHOLDS["reference_max"]
    wanted = {pair for pair, (a, b) in cosines.items() if a >= near and b < far}
    assert not [pair for pair, (a, b) in cosines.items() if min(abs(a - near), abs(b - far)) < 1e-7]
    keys = dict(_keys(run))
    found = {
        frozenset(("cut", f"{keys[row[side]]}.png") for side in ("left_id", "right_id"))
        for batch in run["pairs"].batches(("left_id", "right_id"))
        for row in batch.to_pylist()
    }
    assert found == wanted
    assert wanted, "thresholds that give no pair test nothing"


def _keys(run):
    for batch in run["images"].batches(("image_id", "key")):
        yield from ((row["image_id"], row["key"]) for row in batch.to_pylist())
