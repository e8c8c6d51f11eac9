"""Checkpoints of models that match are found, hashed with their tokenizer, and refused, before anything is loaded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from world.answering import llama
from world.checkpoints import dinov2_checkpoint, edited, without_tensor
from world.hostile import canary
from world.matching import clip, letter_words, open_clip_towers, siglip

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.weights import Weights
from stages.models.matching import checkpoints
from stages.models.matching import open_clip_towers as towers
from stages.models.matching.base import MatchingModel, load
from stages.models.matching.checkpoints import TowerWeights, weights_of
from stages.models.matching.settings import OpenClipTowers, TransformersTowers


def of_transformers(folder: Path) -> TowerWeights:
    return weights_of(TransformersTowers(kind="clip", model=str(folder)))


def of_open_clip(folder: Path) -> TowerWeights:
    return weights_of(OpenClipTowers(kind="open_clip", model=f"local-dir:{folder}"))


def loaded(folder: Path) -> MatchingModel:
    settings = TransformersTowers(kind="clip", model=str(folder))
    return load(settings, weights_of(settings), Machine())


@pytest.fixture
def towers_of_transformers(tmp_path: Path) -> Path:
    return clip(tmp_path / "clip")


def test_every_file_that_changes_a_vector_is_hashed(tmp_path: Path) -> None:
    folder = clip(tmp_path)
    read = ("model.safetensors", "config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json")
    expected = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in read}
    assert of_transformers(folder).identity() == expected


def test_a_changed_tokenizer_is_another_model(tmp_path: Path) -> None:
    folder = open_clip_towers(tmp_path, hf=True)
    before = of_open_clip(folder).identity()
    edited(folder / "tokenizer.json", version="2.0")
    assert of_open_clip(folder).identity() != before


def test_open_clips_own_tokenizer_has_no_files(tmp_path: Path) -> None:
    assert set(of_open_clip(open_clip_towers(tmp_path)).identity()) == {
        "open_clip_config.json",
        "open_clip_model.safetensors",
    }


def test_an_image_only_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is a 'dinov2' model, which does not match images and texts"):
        of_transformers(dinov2_checkpoint(tmp_path))


def test_a_language_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is a 'llama' model, which does not match images and texts"):
        of_transformers(llama(tmp_path))


@pytest.mark.parametrize("kind", ["clip", "open_clip"])
def test_a_pickle_is_refused_and_not_opened(kind: str, tmp_path: Path) -> None:
    folder, made = (clip if kind == "clip" else open_clip_towers)(tmp_path / "model"), tmp_path / "made"
    for path in folder.glob("*.safetensors"):
        path.unlink()
    canary(folder / "pytorch_model.bin", made)
    with pytest.raises(Refused, match="a pickle, which can run any code when opened"):
        (of_transformers if kind == "clip" else of_open_clip)(folder)
    assert not made.exists()


@pytest.mark.parametrize("kind", ["clip", "open_clip"])
def test_a_checkpoint_without_its_tokenizer_is_refused(kind: str, tmp_path: Path) -> None:
    folder = clip(tmp_path) if kind == "clip" else open_clip_towers(tmp_path, hf=True)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(Refused, match=r"holds no tokenizer.json, which turns words into tokens"):
        (of_transformers if kind == "clip" else of_open_clip)(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "preprocessor_config.json"])
def test_code_in_a_checkpoint_is_not_run(name: str, tmp_path: Path, towers_of_transformers: Path) -> None:
    folder, made = towers_of_transformers, tmp_path / "made"
    before = loaded(folder).encode_texts(["a fox"])
    (folder / "code.py").write_text(f"open({str(made)!r}, 'w')")
    mapped = {"AutoModel": "code.M", "AutoConfig": "code.C", "AutoImageProcessor": "code.P"}
    edited(folder / name, auto_map=mapped | {"AutoTokenizer": ["code.T", "code.T"]})
    assert np.array_equal(loaded(folder).encode_texts(["a fox"]), before)
    assert not made.exists()


def test_a_model_that_needs_code_is_refused(towers_of_transformers: Path) -> None:
    edited(towers_of_transformers / "config.json", model_type="own_clip", auto_map={"AutoModel": "code.M"})
    with pytest.raises(Refused, match="is a 'own_clip' model"):
        of_transformers(towers_of_transformers)


def test_a_tokenizer_from_elsewhere_is_refused(tmp_path: Path, towers_of_transformers: Path) -> None:
    edited(towers_of_transformers / "tokenizer_config.json", vocab_file="/elsewhere/vocab.json")
    with pytest.raises(Refused, match="takes its vocabulary from elsewhere"):
        of_transformers(towers_of_transformers)
    folder = open_clip_towers(tmp_path / "open_clip", hf=True)
    edited(folder / "tokenizer_config.json", vocab_file="/elsewhere/vocab.json")
    with pytest.raises(Refused, match="takes its vocabulary from elsewhere"):
        of_open_clip(folder)


@pytest.mark.parametrize(
    "asked", [{"bpe_path": "/elsewhere.gz"}, {"reduction_mask": "random"}, {"gguf_file": "a"}, {"cache_dir": "a"}, "a"]
)
def test_a_tokenizers_setting_that_opens_files_or_drops_words_is_refused(asked: Any, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="tokenizer_kwargs"):
        of_open_clip(open_clip_towers(tmp_path, text={"tokenizer_kwargs": asked}))


@pytest.mark.parametrize("tensor", ["text_projection.weight", "visual_projection.weight", "logit_scale"])
def test_weights_that_are_missing_in_either_tower_are_refused(tensor: str, towers_of_transformers: Path) -> None:
    without_tensor(towers_of_transformers / "model.safetensors", tensor)
    with pytest.raises(Refused, match=f"1 are missing, such as {tensor}"):
        loaded(towers_of_transformers)


@pytest.mark.parametrize("named", ["SiglipTokenizer", None])
def test_siglips_own_tokenizer_without_the_package_it_needs_is_refused(
    named: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = siglip(tmp_path)
    of_transformers(folder)  # Gemma's needs none
    edited(folder / "tokenizer_config.json", tokenizer_class=named)
    monkeypatch.setattr(checkpoints, "find_spec", lambda name: None)
    with pytest.raises(Refused, match="install sentencepiece and protobuf"):
        of_transformers(folder)


@pytest.fixture
def tokenizer_on_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of a repository that holds a tokenizer, and a configuration of open_clip that is not ours."""
    from transformers import GemmaTokenizer

    folder, weights = tmp_path / "tokenizer", open_clip_towers(tmp_path / "weights")
    letter_words(GemmaTokenizer).save_pretrained(folder)
    (folder / "open_clip_config.json").write_text("{}")
    found = Weights(weights, (weights / "open_clip_model.safetensors",))
    monkeypatch.setattr(checkpoints, "open_clip_weights", lambda *_, **__: found)
    monkeypatch.setattr(checkpoints, "snapshot", lambda repository, *_: {"timm/ViT-B-16-SigLIP2": folder}[repository])
    return folder


def test_a_named_models_tokenizer_is_hashed_and_read_where_the_library_says_it_lies(tokenizer_on_a_hub: Path) -> None:
    name = "ViT-B-16-SigLIP2"
    found = weights_of(OpenClipTowers(kind="open_clip", model=name, pretrained="webli"))
    digest = hashlib.sha256((tokenizer_on_a_hub / "tokenizer.json").read_bytes()).hexdigest()
    assert found.identity()["tokenizer/tokenizer.json"] == digest
    assert "open_clip_model.safetensors" in found.identity()
    made = towers._tokenizer(name, found)
    vocabulary = json.loads((tokenizer_on_a_hub / "tokenizer.json").read_bytes())["model"]["vocab"]
    ids = [vocabulary[token] for token in ("a", "▁", "f", "o", "x", "<eos>")]
    assert made(["A fox!"]).tolist() == [ids + [vocabulary["<pad>"]] * 58]  # 64 tokens, canonical text
    assert (tokenizer_on_a_hub / "open_clip_config.json").read_text() == "{}"


def test_a_named_models_tokenizer_that_holds_no_vocabulary_is_refused(tokenizer_on_a_hub: Path) -> None:
    (tokenizer_on_a_hub / "tokenizer.json").unlink()
    with pytest.raises(Refused, match=r"the hub's timm/ViT-B-16-SigLIP2 holds no tokenizer.json"):
        weights_of(OpenClipTowers(kind="open_clip", model="ViT-B-16-SigLIP2", pretrained="webli"))
