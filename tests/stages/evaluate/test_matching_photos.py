"""A real small CLIP matches photos with their captions, and chooses in every pair what its library chooses.

It runs through the step that makes predictions. Captions are easy for it; mirrored photos and drawn pairs are not.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from PIL import Image, ImageOps
from world.committed import committed
from world.evaluations import drawn_pairs, question

from manifests.evaluation_tables import ASKED
from stages.base import Machine
from stages.evaluate.judging import by_cosine
from stages.evaluate.predict import Predict
from stages.models.matching.settings import OpenClipTowers

pytestmark = [pytest.mark.shared, pytest.mark.slow]
DRAWN, PHOTOS = 100, 60  # pairs
CLOSE = 1e-5  # two images whose cosines are nearer to each other may be chosen either way
Row = dict[str, Any]
Pairs = Callable[[Path, Path], list[Row]]


def drawn(shared: Path, folder: Path) -> list[Row]:
    return drawn_pairs(folder, DRAWN)


def photos(shared: Path, folder: Path) -> list[Row]:
    """Pairs of unlike photos that the model was not trained on, each with its own caption."""
    held = held_out(shared)[: 2 * PHOTOS]
    return rows_of(folder, list(zip(held[::2], held[1::2], strict=True)))


def mirrored(shared: Path, folder: Path) -> list[Row]:
    """Pairs of a photo and its mirror image; which of them faces left is not known, and is set to be the photo."""
    made = [
        ((data, f"{said} facing left"), (mirror(data), f"{said} facing right"))
        for data, said in held_out(shared)[:PHOTOS]
    ]
    return rows_of(folder, made)


def held_out(shared: Path) -> list[tuple[bytes, str]]:
    """The photos that the model was not trained on, each with its caption, without the period."""
    names = set(json.loads((shared / "models/clip-lite-flickr8k/heldout.json").read_bytes()))
    found = []
    for path in sorted((shared / "photos/flickr8k").glob("*.tar")):
        with tarfile.open(path) as archive:
            files = {member.name: archive.extractfile(member) for member in archive}
            read = {name: file.read() for name, file in files.items() if file is not None}
        for name in sorted(name for name in read if name.endswith(".json")):
            facts = json.loads(read[name])
            if facts["url"].rsplit("/", 1)[-1] in names:
                found.append((read[name.replace(".json", ".jpg")], facts["captions"][0].rstrip(" .")))
    return found


def mirror(data: bytes) -> bytes:
    stream = BytesIO()
    ImageOps.mirror(Image.open(BytesIO(data))).save(stream, "PNG")
    return stream.getvalue()


def rows_of(folder: Path, pairs: list[tuple[tuple[bytes, str], tuple[bytes, str]]]) -> list[Row]:
    rows: list[Row] = []
    folder.mkdir(parents=True)
    for number, pair in enumerate(pairs):
        names = [f"{number}-a", f"{number}-b"]
        for name, (data, said) in zip(names, pair, strict=True):
            path = folder / name
            path.write_bytes(data)
            where = {"uri": str(path), "offset": 0, "length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            rows.append(question(len(rows) + 1, str(number), image_id=name, images=names, statement=said, **where))
    return rows


def predicted(model: Path, rows: list[Row], folder: Path) -> tuple[list[Row], dict[str, int]]:
    """What the step makes of these questions, and what it puts aside."""
    read = {"questions": committed(folder / "questions", ASKED, pa.Table.from_pylist(rows, schema=ASKED.columns))}
    stage = Predict("lite", OpenClipTowers(kind="open_clip", model=f"local-dir:{model}"), str(folder / "replies"))
    stage.external_state()
    stage.setup(Machine())
    parts = [part for task in stage.plan(read) for part in stage.process(task, read)]
    cut = sum(part.counts.aside.get("texts_cut", 0) for part in parts)
    return [row for part in parts for row in part.table.to_pylist()], {"texts_cut": cut}


@torch.no_grad()
def by_library(model: Path, rows: list[Row]) -> list[list[float]]:
    import open_clip

    towers, prepare = open_clip.create_model_from_pretrained(f"local-dir:{model}")
    towers.eval()  # it comes ready to train, and normalizes by the batch
    tokens, found = open_clip.get_tokenizer(f"local-dir:{model}"), []
    for _, group in groupby(rows, lambda row: row["group"]):
        pair = list(group)
        images = torch.stack([prepare(Image.open(row["uri"]).convert("RGB")) for row in pair])
        texts = tokens([f"a photo of {row['statement']}" for row in pair])
        seen, said = towers.encode_image(images, normalize=True), towers.encode_text(texts, normalize=True)
        found += (said @ seen.T).tolist()
    return found


@pytest.mark.parametrize(("pairs", "least"), [(photos, 0.9), (mirrored, 0.0), (drawn, 0.0)])
def test_a_real_clip_chooses_what_its_library_chooses(pairs: Pairs, least: float, shared: Path, tmp_path: Path) -> None:
    model, rows = shared / "models/clip-lite-flickr8k", pairs(shared, tmp_path / "images")
    replies, aside = predicted(model, rows, tmp_path)
    for row, reply, expected in zip(rows, replies, by_library(model, rows), strict=True):
        assert reply["scores"] == pytest.approx(expected, abs=1e-5)
        if abs(expected[0] - expected[1]) > CLOSE:
            own = expected[row["images"].index(row["image_id"])]
            assert by_cosine(row, reply)["right"] == (own == max(expected))
    right = [bool(by_cosine(row, reply)["right"]) for row, reply in zip(rows, replies, strict=True)]
    both = [one and other for one, other in zip(right[::2], right[1::2], strict=True)]
    print(
        f"{pairs.__name__}: {sum(right)} of {len(right)} questions, {sum(both)} of {len(both)} pairs, "
        f"{aside['texts_cut']} texts cut"
    )
    assert sum(right) >= least * len(right)
