"""Matching scores as MMVP-VLM's script does, on its rules rewritten here from their description, and counts cut texts.

The script (tsb0601/MMVP, scripts/evaluate_vlm.py) takes "a photo of " and the statement, the softmax of each text's
logits over the pair's two images, and the first image if its probability is above one half, else the second.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from world.committed import committed
from world.evaluations import question
from world.matching import LONGEST, clip, open_clip_towers
from world.pictures import encoded, picture

from manifests.evaluation_tables import ASKED
from manifests.manifest import Manifest
from manifests.tables import OK
from stages.base import Machine
from stages.evaluate.judging import by_cosine
from stages.evaluate.matching import Matcher
from stages.evaluate.predict import Predict
from stages.models.matching.checkpoints import weights_of
from stages.models.matching.settings import MatchingSettings, OpenClipTowers, TransformersTowers

PAIRS, SAME = 40, 6  # pairs; pairs of which both images are one
LETTERS = "abcdefgh ABC"
Logits = Callable[[list[Image.Image], list[str]], torch.Tensor]  # (texts, images)


def asked(folder: Path) -> list[dict[str, Any]]:
    """Pairs of random images with random statements, each pair's first question about its first image."""
    dice, rows = random.Random(5), []
    for pair in range(PAIRS):
        names = [f"{pair}-1", f"{pair}-2"]
        for side, name in enumerate(names):
            seed = 2 * pair + (side if pair >= SAME else 0)
            data = encoded(picture(seed, 40 + seed % 30, 48), "PNG")
            path = folder / f"{name}.png"
            path.write_bytes(data)
            where = {"uri": str(path), "offset": 0, "length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            said = "".join(dice.choices(LETTERS, k=dice.randint(2, 10))).strip() or "a"
            rows.append(question(len(rows) + 1, f"pair {pair}", image_id=name, images=names, statement=said, **where))
    return rows


def pairs_of(rows: list[dict[str, Any]]) -> Iterator[tuple[list[Image.Image], list[str]]]:
    for _, group in groupby(rows, lambda row: row["group"]):
        pair = list(group)
        yield (
            [Image.open(row["uri"]).convert("RGB") for row in pair],
            [f"a photo of {row['statement']}" for row in pair],
        )


def logits_of_transformers(folder: Path) -> Logits:
    from transformers import AutoModel, AutoProcessor

    processor, model = AutoProcessor.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    how = {"padding": True, "truncation": True, "max_length": LONGEST, "return_tensors": "pt"}
    return lambda images, texts: model(**processor(text=texts, images=images, **how)).logits_per_text


def logits_of_open_clip(folder: Path) -> Logits:
    import open_clip

    model, prepare = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    return lambda images, texts: model.get_logits(torch.stack([prepare(image) for image in images]), tokens(texts))[1]


@torch.no_grad()
def as_mmvp_scores(logits: Logits, rows: list[dict[str, Any]]) -> list[bool]:
    """Whether each question is right, by the script's rules; odd numbers are about the first image."""
    right = []
    for images, texts in pairs_of(rows):
        probabilities = logits(images, texts).softmax(dim=-1)
        chosen = [1 if first > 0.5 else 2 for first in probabilities[:, 0].tolist()]
        right += [chosen[0] == 1, chosen[1] == 2]
    return right


def of_transformers(folder: Path) -> MatchingSettings:
    return TransformersTowers(kind="clip", model=str(clip(folder)))


def of_open_clip(folder: Path) -> MatchingSettings:
    return OpenClipTowers(kind="open_clip", model=f"local-dir:{open_clip_towers(folder)}")


KINDS = {"transformers": (of_transformers, logits_of_transformers), "open_clip": (of_open_clip, logits_of_open_clip)}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return asked(tmp_path_factory.mktemp("images"))


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_mmvps_script_and_equal_cosines_choose_the_second_image(
    kind: str, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    build, logits_of = KINDS[kind]
    settings = build(tmp_path)
    replies = list(Matcher(settings, weights_of(settings), Machine()).predictions(rows))
    judged = [by_cosine(row, reply)["right"] for row, reply in zip(rows, replies, strict=True)]
    assert judged[: 2 * SAME] == [False, True] * SAME
    assert judged[2 * SAME :] == as_mmvp_scores(logits_of(tmp_path), rows[2 * SAME :])
    assert 0.2 < np.mean(judged[2 * SAME :]) < 0.8
    assert [reply["prompt"] for reply in replies] == [f"a photo of {row['statement']}" for row in rows]


def predicted(folder: Path, rows: list[dict[str, Any]]) -> Any:
    """The one part of the step that asks a tiny CLIP about these rows."""
    read = {"questions": manifest_of(folder / "questions", rows)}
    stage = Predict("m", TransformersTowers(kind="clip", model=str(clip(folder / "model"))), str(folder / "replies"))
    stage.external_state()
    stage.setup(Machine())
    [task] = stage.plan(read)
    [part] = stage.process(task, read)
    return part


def manifest_of(folder: Path, rows: list[dict[str, Any]]) -> Manifest:
    return committed(folder, ASKED, pa.Table.from_pylist(rows, schema=ASKED.columns))


def test_texts_that_are_cut_are_counted(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    room = LONGEST - 2 - len("aphotoof")  # tokens; a letter is one
    lengths = [room, room + 1, room + 50, 3]
    some = [{**row, "statement": "b" * length} for row, length in zip(rows, lengths, strict=False)]
    part = predicted(tmp_path, some)
    assert part.counts.aside == {"texts_cut": 2}
    assert (part.counts.seen, part.counts.ok) == (4, 4)


def test_where_no_text_is_cut_nothing_is_put_aside(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    part = predicted(tmp_path, rows[:4])
    assert part.counts.aside == {}
    assert part.table.column("status").to_pylist() == [OK] * 4


def test_a_vector_that_is_not_finite_makes_a_failed_prediction(
    rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = TransformersTowers(kind="clip", model=str(clip(tmp_path)))
    matcher = Matcher(settings, weights_of(settings), Machine())
    compute = matcher._model.texts.__class__.__call__

    def overflown(tower: Any, batch: Any) -> Any:
        vectors = compute(tower, batch)
        vectors[0, 0] = np.inf
        return vectors

    monkeypatch.setattr(matcher._model.texts.__class__, "__call__", overflown)
    first, second = matcher.predictions(rows[-2:])
    assert (first["status"], second["status"]) == ("failed", OK)
    assert "precision: float32" in first["error"]
    assert first["scores"] is None


def test_a_statement_is_compared_with_every_image_of_its_group_also_those_without_one(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    settings = TransformersTowers(kind="clip", model=str(clip(tmp_path)))
    matcher = Matcher(settings, weights_of(settings), Machine())
    images = [row["image_id"] for row in rows[-4:]]
    group = [row | {"group": "four", "images": images, "statement": None} for row in rows[-4:]]
    one = matcher.predictions([*group[:2], group[2] | {"statement": "a b"}, group[3]])
    [alone], whole = list(one), list(matcher.predictions([row | {"statement": "a b"} for row in group]))
    assert len(alone["scores"]) == 4
    assert alone["scores"] == pytest.approx(whole[0]["scores"])
