"""Models that match give the cosines of their libraries, whatever else is encoded with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from world.matching import LONGEST, clip, open_clip_towers, siglip, siglip2, siglip_of_pieces
from world.pictures import picture

from manifests.errors import Refused
from stages.base import Machine
from stages.models.matching.base import MatchingModel, load
from stages.models.matching.checkpoints import weights_of
from stages.models.matching.settings import MatchingSettings, OpenClipTowers, TransformersTowers

TEXTS = ["a photo of a Fox", "b", "two drinks, one lid", "a dog's left eye: open!", "FACING LEFT"]
LONG = "a statement of many more letters than fit"


def open_clip_hf(folder: Path) -> Path:
    return open_clip_towers(folder, hf=True)


BUILD: dict[str, Callable[[Path], Path]] = {
    "clip": clip,
    "siglip": siglip,
    "siglip2": siglip2,
    "siglip_of_pieces": siglip_of_pieces,
    "open_clip": open_clip_towers,
    "open_clip_hf": open_clip_hf,
}


def settings_of(kind: str, folder: Path, **more: Any) -> MatchingSettings:
    if kind.startswith("open_clip"):
        return OpenClipTowers(kind="open_clip", model=f"local-dir:{folder}", **more)
    return TransformersTowers(kind="clip", model=str(folder), **more)


def opened(kind: str, folder: Path, **more: Any) -> MatchingModel:
    settings = settings_of(kind, folder, **more)
    return load(settings, weights_of(settings), Machine())


@pytest.fixture(scope="module", params=BUILD)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if kind == "siglip_of_pieces":
        pytest.importorskip("sentencepiece")
    return BUILD[kind](tmp_path_factory.mktemp(kind))


@pytest.fixture(scope="module")
def model(kind: str, folder: Path) -> MatchingModel:
    return opened(kind, folder)


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    return [picture(number, 40 + 25 * number, 64) for number in range(4)]


def by_library(kind: str, folder: Path, images: list[Image.Image], texts: list[str]) -> tuple[np.ndarray, float]:
    """The library's own cosines, (texts, images), and its scale, as its documentation shows to compute them."""
    return (by_open_clip if kind.startswith("open_clip") else by_transformers)(folder, images, texts)


def by_transformers(folder: Path, images: list[Image.Image], texts: list[str]) -> tuple[np.ndarray, float]:
    from transformers import AutoModel, AutoProcessor

    processor, model = AutoProcessor.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    how: dict[str, Any] = {"padding": "max_length", "max_length": LONGEST, "truncation": True}
    if model.config.model_type == "siglip2":  # its processor has its own sizes, whatever its image processor says
        how |= {"patch_size": 8, "max_num_patches": 16}
    with torch.no_grad():
        out = model(**processor(images=images, text=texts, return_tensors="pt", **how))
    bias = getattr(model, "logit_bias", torch.zeros(1)).item()
    scale = math.exp(model.logit_scale.item())
    return ((out.logits_per_image.T - bias) / scale).numpy(), scale


def by_open_clip(folder: Path, images: list[Image.Image], texts: list[str]) -> tuple[np.ndarray, float]:
    import open_clip

    model, prepare = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(texts)
    with torch.no_grad():
        by_image, _ = model.eval().get_logits(torch.stack([prepare(image) for image in images]), tokens)
    scale = math.exp(model.logit_scale.item())
    return (by_image.T / scale).numpy(), scale


def cosines(model: MatchingModel, images: list[Image.Image], texts: list[str]) -> np.ndarray:
    return model.encode_texts(texts) @ model.encode_images([model.prepare(image) for image in images]).T


def test_cosines_and_scale_are_the_librarys(
    kind: str, folder: Path, model: MatchingModel, images: list[Image.Image]
) -> None:
    texts = [text.lower() for text in TEXTS] if kind.startswith("siglip") else TEXTS
    expected, scale = by_library(kind, folder, images, texts)
    assert np.ptp(expected) > 0.1  # otherwise a wrong vector would pass
    assert np.abs(cosines(model, images, TEXTS) - expected).max() < 1e-5
    assert model.scale == pytest.approx(scale)


def test_a_text_that_is_too_long_is_cut_as_the_library_cuts_it(
    kind: str, folder: Path, model: MatchingModel, images: list[Image.Image]
) -> None:
    texts = [f"{LONG} {LONG} {LONG}"]
    expected, _ = by_library(kind, folder, images, texts)
    assert np.abs(cosines(model, images, texts) - expected).max() < 1e-5


def test_rows_are_of_unit_length_and_bit_for_bit_independent_of_each_other(
    model: MatchingModel, images: list[Image.Image]
) -> None:
    prepared = [model.prepare(image) for image in images]
    for encode, given in ((model.encode_images, prepared), (model.encode_texts, TEXTS)):
        together = encode(given)
        assert together.dtype == np.float32
        assert np.abs(np.linalg.norm(together, axis=1) - 1).max() < 1e-6
        assert np.array_equal(together, np.concatenate([encode([one]) for one in given]))


@pytest.mark.parametrize(("kind", "marks"), [("clip", 2), ("siglip", 1), ("siglip2", 1), ("open_clip_hf", 1)])
def test_texts_of_more_tokens_than_the_tower_takes_are_told(kind: str, marks: int, tmp_path: Path) -> None:
    texts = ["a" * (LONGEST - marks + more) for more in (-1, 0, 1, 100)]
    assert opened(kind, BUILD[kind](tmp_path)).too_long(texts) == [False, False, True, True]


def test_open_clips_own_tokenizer_tells_too(tmp_path: Path) -> None:
    texts = [" ".join(["dog"] * (LONGEST - 2 + more)) for more in (-1, 0, 1, 100)]
    assert opened("open_clip", open_clip_towers(tmp_path)).too_long(texts) == [False, False, True, True]


@pytest.mark.parametrize("kind", ["siglip", "siglip2"])
def test_siglips_texts_are_lower_case(kind: str, tmp_path: Path) -> None:
    model = opened(kind, BUILD[kind](tmp_path))
    assert np.array_equal(model.encode_texts(["A Fox"]), model.encode_texts(["a fox"]))


def test_the_settings_of_a_models_own_tokenizer_are_heeded(tmp_path: Path) -> None:
    folder = open_clip_towers(tmp_path, hf=True, text={"tokenizer_kwargs": {"clean": "canonicalize"}})
    model = opened("open_clip", folder)
    assert np.array_equal(model.encode_texts(["A Fox!"]), model.encode_texts(["a fox"]))


def test_what_was_computed_in_is_told(model: MatchingModel) -> None:
    assert model.computed == "float32 on CPU"


def test_a_model_whose_vectors_differ_in_length_is_refused(tmp_path: Path) -> None:
    from transformers import SiglipConfig, SiglipModel
    from world.checkpoints import _drawn

    folder = siglip(tmp_path)
    config = SiglipConfig.from_pretrained(folder)
    config.text_config.projection_size = 40
    _drawn(SiglipModel(config)).save_pretrained(folder)
    with pytest.raises(Refused, match="vectors of images have shape"):
        opened("siglip", folder)
