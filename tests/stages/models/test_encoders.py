"""Encoders from checkpoints give the vectors of the library's own documented path, and refuse what does not fit."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import TypeAdapter
from world.checkpoints import (
    dinov2_checkpoint,
    edited,
    mae_checkpoint,
    open_clip_checkpoint,
    siglip_checkpoint,
    timm_checkpoint,
    without_tensor,
)

from manifests.errors import Refused
from stages import images
from stages.base import Machine
from stages.models.encoders.base import Encoder, load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.settings import EncoderSettings, OpenClip
from stages.models.encoders.weights import Weights

READ = TypeAdapter(EncoderSettings)
SHAPES = [(300, 200), (200, 300), (32, 32), (224, 224), (33, 500), (500, 33), (1, 1), (3, 7)]
MODES = [("L", "PNG"), ("LA", "PNG"), ("CMYK", "JPEG"), ("P", "GIF"), ("1", "PNG"), ("RGBA", "PNG"), ("YCbCr", "JPEG")]


def scene(width: int, height: int, seed: int) -> Image.Image:
    """Coloured blotches with some grain, so that resizing and cropping one pixel off shows."""
    dice = np.random.default_rng(seed)
    coarse = Image.fromarray(dice.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize((width, height), 3)
    grain = dice.integers(-30, 30, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(coarse).astype(int) + grain, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Files of many sizes, shapes and modes."""
    files = [(scene(*size, seed), "PNG" if seed % 2 else "JPEG") for seed, size in enumerate(SHAPES)]
    files += [(scene(90, 70, 50 + seed).convert(mode), kind) for seed, (mode, kind) in enumerate(MODES)]
    streams = [io.BytesIO() for _ in files]
    for (image, kind), stream in zip(files, streams, strict=True):
        image.save(stream, kind)
    return [stream.getvalue() for stream in streams]


def loaded(**settings: Any) -> Encoder:
    read = READ.validate_python(settings)
    return load(read, weights_of(read), Machine())


def vectors(encoder: Encoder, pictures: list[bytes]) -> np.ndarray:
    return encoder.encode([encoder.prepare(images.decode(data)) for data in pictures])


def furthest(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest distance from 1 among the cosines of rows that should be the same."""
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    cosines = (found * wanted).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    return float(np.abs(1 - cosines).max())


def rgb(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def by_open_clip(folder: Path, pictures: list[bytes]) -> np.ndarray:
    import open_clip

    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    with torch.inference_mode():
        return np.concatenate([model.eval().encode_image(preprocess(rgb(data))[None]).numpy() for data in pictures])


def by_transformers(folder: Path, pictures: list[bytes], pool: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    from transformers import AutoImageProcessor, AutoModel

    processor, model = AutoImageProcessor.from_pretrained(folder), AutoModel.from_pretrained(folder).float().eval()
    with torch.inference_mode():
        states = [model(**processor(rgb(data), return_tensors="pt")).last_hidden_state[0] for data in pictures]
    return np.stack([pool(tokens).numpy() for tokens in states])


def by_timm(folder: Path, pictures: list[bytes]) -> np.ndarray:
    import timm

    model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    with torch.inference_mode():
        return np.concatenate([model(transform(rgb(data))[None]).numpy() for data in pictures])


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
def test_open_clip_gives_the_vectors_of_encode_image(tmp_path: Path, pictures: list[bytes], half: bool) -> None:
    folder = open_clip_checkpoint(tmp_path, half=half)
    found = vectors(loaded(kind="open_clip", model=f"local-dir:{folder}"), pictures)
    assert furthest(found, by_open_clip(folder, pictures)) < 1e-5


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
def test_dinov2_gives_the_cls_token_of_the_last_hidden_state(tmp_path: Path, pictures: list[bytes], half: bool) -> None:
    folder = dinov2_checkpoint(tmp_path, half=half)
    found = vectors(loaded(kind="transformers", model=str(folder)), pictures)
    assert furthest(found, by_transformers(folder, pictures, lambda tokens: tokens[0])) < 1e-5


@pytest.mark.parametrize("registers", [0, 3])
def test_mean_patch_is_the_mean_of_the_patches_without_cls_and_registers(
    tmp_path: Path, pictures: list[bytes], registers: int
) -> None:
    folder = dinov2_checkpoint(tmp_path, registers=registers)
    found = vectors(loaded(kind="transformers", model=str(folder), pooling="mean_patch"), pictures)
    # 32 x 32 pixels in patches of 8: the last 16 tokens
    assert furthest(found, by_transformers(folder, pictures, lambda tokens: tokens[-16:].mean(0))) < 1e-5


def test_siglip_gives_the_mean_of_all_its_tokens(tmp_path: Path, pictures: list[bytes]) -> None:
    folder = siglip_checkpoint(tmp_path)
    found = vectors(loaded(kind="transformers", model=str(folder), pooling="mean_patch"), pictures)
    assert furthest(found, by_transformers(folder, pictures, lambda tokens: tokens.mean(0))) < 1e-5


def test_a_sharded_checkpoint_gives_the_vectors_of_the_whole_one(tmp_path: Path, pictures: list[bytes]) -> None:
    whole, parts = dinov2_checkpoint(tmp_path / "whole"), dinov2_checkpoint(tmp_path / "parts", shards=True)
    found = [vectors(loaded(kind="transformers", model=str(folder)), pictures) for folder in (whole, parts)]
    assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
def test_timm_gives_the_pooled_features_without_the_classifier(
    tmp_path: Path, pictures: list[bytes], half: bool
) -> None:
    folder = timm_checkpoint(tmp_path, half=half)
    found = vectors(loaded(kind="timm", model=f"local-dir:{folder}"), pictures)
    assert furthest(found, by_timm(folder, pictures)) < 1e-5


@pytest.fixture(scope="module", params=["open_clip", "dinov2", "siglip", "timm"])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return tiny(request.param, tmp_path_factory.mktemp(request.param))


def test_unlike_pictures_get_unlike_vectors_so_that_the_comparisons_above_can_fail(
    pictures: list[bytes], encoder: Encoder
) -> None:
    rows = vectors(encoder, pictures).astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.median((rows @ rows.T)[np.triu_indices(len(rows), 1)]) < 0.9


def tiny(kind: str, folder: Path) -> Encoder:
    if kind == "open_clip":
        return loaded(kind=kind, model=f"local-dir:{open_clip_checkpoint(folder)}")
    if kind == "timm":
        return loaded(kind=kind, model=f"local-dir:{timm_checkpoint(folder)}")
    made = dinov2_checkpoint(folder) if kind == "dinov2" else siglip_checkpoint(folder)
    return loaded(kind="transformers", model=str(made), pooling="cls" if kind == "dinov2" else "mean_patch")


def test_a_row_does_not_depend_on_the_other_rows_of_its_batch(pictures: list[bytes], encoder: Encoder) -> None:
    alone = np.concatenate([vectors(encoder, [data]) for data in pictures])
    assert furthest(vectors(encoder, pictures), alone) < 1e-6


def test_an_encoder_says_how_many_numbers_its_vectors_have(pictures: list[bytes], encoder: Encoder) -> None:
    rows = vectors(encoder, pictures[:2])
    assert (rows.shape, rows.dtype) == ((2, encoder.dim), np.float32)


@pytest.mark.parametrize("kind", ["colour", "structure"])
def test_a_built_in_encoder_loads_without_weights(kind: str, pictures: list[bytes]) -> None:
    encoder = loaded(kind=kind)
    assert np.isfinite(vectors(encoder, pictures)).all()


def refusal(**settings: Any) -> str:
    with pytest.raises(Refused) as caught:
        loaded(**settings)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_cls_of_a_model_that_has_none_is_refused_with_the_setting_to_use(tmp_path: Path) -> None:
    folder = siglip_checkpoint(tmp_path)
    assert "no CLS token; use pooling: mean_patch" in refusal(kind="transformers", model=str(folder))


def test_open_clip_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    folder = open_clip_checkpoint(tmp_path)
    config = json.loads((folder / "open_clip_config.json").read_bytes())["model_cfg"]
    edited(folder / "open_clip_config.json", model_cfg={**config, "embed_dim": 25})
    assert "size mismatch" in refusal(kind="open_clip", model=f"local-dir:{folder}")


def test_transformers_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    edited(dinov2_checkpoint(tmp_path) / "config.json", hidden_size=34)
    assert "does not load" in refusal(kind="transformers", model=str(tmp_path))


def test_transformers_weights_that_lack_a_layer_are_refused_not_made_up(tmp_path: Path) -> None:
    edited(dinov2_checkpoint(tmp_path) / "config.json", num_hidden_layers=3)
    assert "are missing, such as" in refusal(kind="transformers", model=str(tmp_path))


def test_timm_weights_that_lack_a_layer_are_refused_not_made_up(tmp_path: Path) -> None:
    without_tensor(timm_checkpoint(tmp_path) / "model.safetensors", "blocks.1.attn.qkv.weight")
    assert "blocks.1.attn.qkv.weight" in refusal(kind="timm", model=f"local-dir:{tmp_path}")


def test_a_timm_folder_of_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    edited(timm_checkpoint(tmp_path) / "config.json", architecture="vit_of_nobody")
    assert "vit_of_nobody" in refusal(kind="timm", model=f"local-dir:{tmp_path}")


def test_an_open_clip_folder_without_a_model_in_its_configuration_is_refused(tmp_path: Path) -> None:
    (open_clip_checkpoint(tmp_path) / "open_clip_config.json").write_text("{}")
    assert "model_cfg" in refusal(kind="open_clip", model=f"local-dir:{tmp_path}")


def test_a_checkpoint_that_wants_its_own_code_run_is_refused_without_asking_at_the_terminal(tmp_path: Path) -> None:
    code = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    edited(dinov2_checkpoint(tmp_path) / "config.json", model_type="own", auto_map=code)
    (tmp_path / "own.py").write_text("raise SystemExit('ran')")
    assert "does not load" in refusal(kind="transformers", model=str(tmp_path))


def test_a_processor_that_leaves_images_in_their_own_shapes_is_refused(tmp_path: Path) -> None:
    edited(dinov2_checkpoint(tmp_path) / "preprocessor_config.json", do_center_crop=False)
    assert "different shapes" in refusal(kind="transformers", model=str(tmp_path))


def test_a_model_that_hides_patches_at_random_is_refused(tmp_path: Path) -> None:
    mae_checkpoint(tmp_path)
    assert "another vector for the same image" in refusal(kind="transformers", model=str(tmp_path))


def test_weights_broken_after_they_were_found_are_refused_when_they_are_loaded(tmp_path: Path) -> None:
    settings = OpenClip(kind="open_clip", model=f"local-dir:{open_clip_checkpoint(tmp_path)}")
    found = weights_of(settings)
    path = tmp_path / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(Refused, match="open_clip does not load"):
        load(settings, found, Machine())


def test_the_wrong_activation_is_refused_when_loading_too(tmp_path: Path) -> None:
    folder = open_clip_checkpoint(tmp_path)
    found = Weights(folder, (folder / "open_clip_model.safetensors",))
    with pytest.raises(Refused, match="use ViT-L-14-quickgelu"):
        load(OpenClip(kind="open_clip", model="ViT-L-14", pretrained="openai"), found, Machine())


def test_memory_that_runs_out_while_loading_is_not_called_a_bad_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    folder = open_clip_checkpoint(tmp_path)
    monkeypatch.setattr(open_clip, "create_model_from_pretrained", full)
    with pytest.raises(torch.OutOfMemoryError):
        loaded(kind="open_clip", model=f"local-dir:{folder}")


def test_a_real_clip_gives_the_vectors_of_the_library_on_photos(shared: Path) -> None:
    with tarfile.open(sorted((shared / "photos/flickr8k").glob("*.tar"))[0]) as archive:
        members = [member for member in archive if member.name.endswith(".jpg")][:4]
        photos = [archive.extractfile(member).read() for member in members]
    folder = shared / "models/clip-lite-flickr8k"
    found = vectors(loaded(kind="open_clip", model=f"local-dir:{folder}"), photos)
    assert furthest(found, by_open_clip(folder, photos)) < 1e-6
