"""Runs for authoring, made by hand and quickly: images that are files, pairs, and people who wrote of them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow.dataset import dataset
from world.committed import committed

from manifests.tables import IMAGES, PAIRS, image_id
from pipeline.benchmark.freeze import freeze
from pipeline.run.run import Run
from stages.author.authored import Authored
from stages.author.store import NAME, Store
from stages.patterns import PATTERNS

SIDE = 64  # pixels


@cache
def photo(number: int) -> bytes:
    """A JPEG of coarse random blocks: small, and like no other number's."""
    blocks = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(blocks).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def image_row(folder: Path, number: int, **more: Any) -> dict[str, Any]:
    """Write a photo as a file; its row of the images table."""
    data, path = photo(number), folder / f"{number:05d}.jpg"
    path.write_bytes(data)
    known = {"source": "photos", "key": path.stem, "uri": str(path), "offset": 0, "length": len(data)}
    known |= {"image_id": image_id("photos", path.stem), "sha256": hashlib.sha256(data).hexdigest(), "format": "JPEG"}
    known |= {"width": SIDE, "height": SIDE, "caption": f"caption of {number}", "label": f"label {number % 7}"}
    return dict.fromkeys(IMAGES.columns.names) | known | {"status": "ok"} | more


def pair_row(ids: tuple[str, str], rank: int, group: int) -> dict[str, Any]:
    left, right = sorted(ids)
    cosines = {"blind_cosine": 0.99 - rank * 1e-6, "reference_cosine": 0.4 + rank * 1e-6}
    ranked = {"gap": 0.59 - rank * 2e-6, "group": group, "rank": rank, "left_copies": 0, "right_copies": 0}
    return {"left_id": left, "right_id": right, **cosines, **ranked, "reason": None}


def paired_run(root: Path, pairs: int, *, name: str = "made", captions: Mapping[int, str] | None = None) -> Path:
    """A run of 2 x `pairs` images that are all in one pair each; its folder. `captions`: number of an image -> text."""
    (photos := root / f"{name}-photos").mkdir(parents=True)
    rows = [image_row(photos, number) for number in range(2 * pairs)]
    for number, text in (captions or {}).items():
        rows[number]["caption"] = text
    found = [
        pair_row((rows[2 * place]["image_id"], rows[2 * place + 1]["image_id"]), place + 1, place // 3 + 1)
        for place in range(pairs)
    ]
    run = root / name
    committed(run / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    committed(run / "pairs", PAIRS, pa.Table.from_pylist(found, schema=PAIRS.columns))
    return run


def pairs_of(run: Path) -> list[tuple[str, str]]:
    """(left_id, right_id) of a run's kept pairs, best first."""
    rows = [row for row in dataset(run / "pairs").to_table().to_pylist() if row["rank"]]
    return [(row["left_id"], row["right_id"]) for row in sorted(rows, key=lambda row: row["rank"])]


def written(place: int) -> dict[str, str]:
    """What a person may write of the pair in this place: a question, its answer and a pair of statements."""
    pattern = PATTERNS[place // 15 % len(PATTERNS)].name
    words = {"question": f"Is thing {place} open or closed?", "option_a": "Open", "option_b": "Closed"}
    states = {"left_statement": f"an open thing {place}", "right_statement": f"a closed thing {place}"}
    return {"decision": "kept", "pattern": pattern, "left_answer": "ab"[place % 2], **words, **states}


def author(run: Path, places: Sequence[int], *, by: str = "ann", **more: str) -> list[Authored]:
    """Have a person write of the pairs in these places."""
    ids = pairs_of(run)
    with closing(Store(run / NAME)) as store:
        return [store.change(store.pair(*ids[place]), written(place) | more, by) for place in places]


def frozen_run(root: Path, pairs: int, *, training: int = 0, name: str = "made") -> Path:
    """A run of which `pairs` pairs are frozen for the benchmark, and `training` more for training."""
    run = paired_run(root, pairs + training, name=name)
    author(run, range(pairs))
    author(run, range(pairs, pairs + training), use="training")
    freeze(Run.open(str(run)))
    return run


def all_written(run: Path) -> list[dict[str, Any]]:
    """What the store holds of each touched pair."""
    with closing(Store(run / NAME)) as store:
        return [pair.to_json() for pair in store.pairs()]


def written_of(run: Path, place: int = 0) -> Authored:
    """What the store holds of the pair in this place."""
    with closing(Store(run / NAME)) as store:
        return store.pair(*pairs_of(run)[place])


def filter_again(run: Path, places: Sequence[int], blind_min: float = 0.8, reference_max: float = 0.6) -> None:
    """Make the pairs table anew, with only the pairs in these places (of the rank that is there now) kept."""
    rows = dataset(run / "pairs").to_table().to_pylist()
    rows = sorted(rows, key=lambda row: (row["reference_cosine"], row["left_id"]))  # as they were first ranked
    for place, row in enumerate(rows):
        is_kept = place in places
        row |= {"rank": place + 1 if is_kept else None, "group": 1 if is_kept else None}
        row["reason"] = None if is_kept else "near_duplicates"
    for path in (run / "pairs").iterdir():
        path.unlink()
    chosen = {"comparison": ">=", "blind_min": blind_min, "reference_max": reference_max}
    committed(run / "pairs", PAIRS, pa.Table.from_pylist(rows, schema=PAIRS.columns), filter=chosen)
