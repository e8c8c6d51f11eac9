"""Real photos through real encoders give exactly the pairs of an independent brute force.

By default some of the photos (a minute on two cores); BLINDPAIRS_PHOTOS=all takes all 1,400 and
their 1,400 mirrored copies (`make test-photos`, half an hour on two cores).
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from world.inline import make_here
from world.reference_path import brute_force, photos_in_folder, photos_in_tar, reference_vectors
from world.runs import make, recipe

ALL = os.environ.get("BLINDPAIRS_PHOTOS") == "all"
TARS, FOLDERS, MIRRORED = (6, 200, 1) if ALL else (1, 12, 3)  # every MIRRORED-th photo is mirrored
FILES = None if ALL else 120  # of a tar: the first 40 photos, each with its two texts
FLOOR = 0.65 if ALL else 0.45
THRESHOLDS = [(0.65, 0.60), (0.95, 0.90)] if ALL else [(0.50, 0.60), (0.95, 0.95)]
SEARCH = {"min_cosine": FLOOR, "block_rows": 300, "max_per_image": None}
TOLERANCE = 1e-5
MAKE = make if ALL else make_here  # of few photos without loading torch again

pytestmark = [pytest.mark.shared, pytest.mark.timeout(4 * 3600 if ALL else 1800)]


@pytest.fixture(scope="module")
def corpus(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the photos in their own layouts, and mirrored copies of some as a third source."""
    root = tmp_path_factory.mktemp("photos")
    for name in ("flickr8k", "imagenet", "mirrored"):
        (root / name).mkdir()
    for tar in sorted((shared / "photos/flickr8k").glob("*.tar"))[:TARS]:
        _take(tar, root / "flickr8k" / tar.name)
    for folder in sorted(p for p in (shared / "photos/imagenet").iterdir() if p.is_dir())[:FOLDERS]:
        (root / "imagenet" / folder.name).symlink_to(folder)
    for number, (_, data) in enumerate(_originals(root)):
        if number % MIRRORED == 0:
            mirrored = ImageOps.mirror(Image.open(io.BytesIO(data)).convert("RGB"))
            mirrored.save(root / "mirrored" / f"{number:05}.png")
    return root


@pytest.fixture(scope="module")
def oracle(corpus: Path, shared: Path):
    """Every pair of the corpus -> both cosines, by the libraries' own paths; and the hash of each photo."""
    named = [*_originals(corpus), *photos_in_folder("mirrored", corpus / "mirrored")]
    models = shared / "models"
    vectors = reference_vectors(
        [data for _, data in named], models / "clip-lite-flickr8k", models / "dinov2-small-saliency"
    )
    pairs = brute_force([name for name, _ in named], *vectors)
    return pairs, {name: hashlib.sha256(data).hexdigest() for name, data in named}


@pytest.fixture(scope="module")
def run(corpus: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory):
    """A function that makes the run with these thresholds; everything but the filter is made once."""
    root = tmp_path_factory.mktemp("runs")
    sources = [
        {"name": "flickr8k", "kind": "shards", "uri": f"{corpus}/flickr8k/*.tar"},
        {"name": "imagenet", "kind": "folder", "uri": f"{corpus}/imagenet"},
        {"name": "mirrored", "kind": "folder", "uri": f"{corpus}/mirrored"},
    ]
    encoders = {
        "clip": {"kind": "open_clip", "model": f"local-dir:{shared}/models/clip-lite-flickr8k"},
        "dino": {"kind": "transformers", "model": f"{shared}/models/dinov2-small-saliency"},
    }

    def run_with(blind_min: float, reference_max: float):
        return MAKE(
            recipe(
                sources,
                images={"sources": sources, "shard_rows": 64},
                embed={"encoders": encoders},
                search={"blind": "clip", "reference": "dino", **SEARCH},
                filter={
                    "blind_min": blind_min,
                    "reference_max": reference_max,
                    "near_duplicate_min": None,
                    "max_pairs_per_image": None,
                },
            ),
            root,
        )

    return run_with


@pytest.mark.parametrize(("blind_min", "reference_max"), THRESHOLDS)
def test_the_pairs_are_exactly_those_of_brute_force_on_the_libraries_own_vectors(
    run, oracle, blind_min: float, reference_max: float
) -> None:
    manifests = run(blind_min, reference_max)
    pairs = _among_standing(oracle, manifests)
    wanted = {pair for pair, (a, b) in pairs.items() if a >= blind_min and b < reference_max}
    # a pair within the rounding of two float32 models of a threshold could fall on either side
    assert not [
        pair
        for pair, (a, b) in pairs.items()
        if (a >= blind_min - 1e-3 and b < reference_max + 1e-3)
        and (abs(a - blind_min) < 1e-7 or abs(b - reference_max) < 1e-7)
    ]
    assert set(_cosines(manifests, "pairs")) == wanted
    assert wanted, "thresholds that give no pair test nothing"


def test_every_candidate_has_the_cosines_of_the_libraries_own_vectors(run, oracle) -> None:
    manifests = run(*THRESHOLDS[0])
    found, pairs = _cosines(manifests, "candidates"), _among_standing(oracle, manifests)
    assert set(found) >= {pair for pair, (a, _) in pairs.items() if a >= FLOOR + TOLERANCE}
    furthest = max(max(abs(a - pairs[pair][0]), abs(b - pairs[pair][1])) for pair, (a, b) in found.items())
    assert furthest <= TOLERANCE


def _take(tar: Path, to: Path) -> None:
    with tarfile.open(tar) as all_files, tarfile.open(to, "w") as taken:
        for file in all_files.getmembers()[:FILES]:
            taken.addfile(file, all_files.extractfile(file))


def _originals(corpus: Path):
    for tar in sorted((corpus / "flickr8k").glob("*.tar")):
        yield from photos_in_tar("flickr8k", tar)
    for folder in sorted((corpus / "imagenet").iterdir()):
        for (_, name), data in photos_in_folder("imagenet", folder):
            yield ("imagenet", f"{folder.name}/{name}"), data


def _among_standing(oracle, manifests):
    """The oracle's pairs among the photos that no other of the same bytes stands for."""
    pairs, sha256 = oracle
    ids = {name: image_id for image_id, name in _names(manifests).items()}
    first = {sha256[name]: name for name in sorted(sha256, key=ids.__getitem__, reverse=True)}
    standing = set(first.values())
    return {pair: cosines for pair, cosines in pairs.items() if pair <= standing}


def _names(manifests):
    """Image -> its source and path."""
    names = {}
    for batch in manifests["images"].batches(("image_id", "source", "uri", "key")):
        for row in batch.to_pylist():
            ending = ".jpg" if row["source"] == "flickr8k" else "." + row["uri"].rsplit(".", 1)[1]
            names[row["image_id"]] = (row["source"], row["key"] + ending)
    return names


def _cosines(manifests, table: str):
    """Pairs of a table by source and path -> both cosines."""
    names = _names(manifests)
    columns = ("left_id", "right_id", "blind_cosine", "reference_cosine")
    return {
        frozenset((names[row["left_id"]], names[row["right_id"]])): (row["blind_cosine"], row["reference_cosine"])
        for batch in manifests[table].batches(columns)
        for row in batch.to_pylist()
    }
