"""Embed: every image that can be read gets one unit vector per encoder, every other one its reason."""

from __future__ import annotations

import hashlib
import json
import pickle
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from world.checkpoints import dinov2_checkpoint, edited, open_clip_checkpoint

from manifests.counts import by_status
from manifests.errors import Refused
from manifests.tables import IMAGES, OK
from pipeline.config.loading import read_config
from stages.base import Machine
from stages.embed.computing import Within
from stages.embed.settings import EmbedSettings
from stages.embed.stage import Embed

BUILT_IN = {"colour": {"kind": "colour"}, "structure": {"kind": "structure"}}


def scene(width: int, height: int, seed: int) -> Image.Image:
    dice = np.random.default_rng(seed)
    return Image.fromarray(dice.integers(0, 256, (6, 5, 3), dtype=np.uint8)).resize((width, height), 3)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Thirteen pictures of many sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{number}.{'jpg' if number % 2 else 'png'}" for number in range(13)]
    for number, path in enumerate(paths):
        scene(20 + 31 * number, 200 - 13 * number, number).save(path)
    return paths


def table(*rows: dict[str, Any]) -> pa.Table:
    """Rows of the images table; what a row does not say is null."""
    named = [{"image_id": f"{place:032x}", "source": "s", "key": str(place), **row} for place, row in enumerate(rows)]
    whole = [{**dict.fromkeys(IMAGES.columns.names), **row} for row in named]
    return pa.Table.from_pylist(whole, schema=IMAGES.columns)


def readable(path: Path, length: int | None = None) -> dict[str, Any]:
    data = path.read_bytes()[:length]
    digest = hashlib.sha256(data).hexdigest()
    return {"status": OK, "uri": str(path), "offset": 0, "length": length or len(data), "sha256": digest}


REJECTED = {"status": "not_an_image", "error": "9 bytes that start with b'<html>'"}


def made(encoders: dict[str, Any], dtype: str = "float32", **machine: int) -> Embed:
    stage = Embed(EmbedSettings.model_validate({"encoders": encoders, "dtype": dtype}))
    stage.external_state()
    stage.setup(Machine(**machine))
    return stage


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of two tiny real encoders and a built-in one."""
    folder = tmp_path_factory.mktemp("checkpoints")
    clip, dino = open_clip_checkpoint(folder / "clip"), dinov2_checkpoint(folder / "dino")
    return {
        "clip": {"kind": "open_clip", "model": f"local-dir:{clip}"},
        "dino": {"kind": "transformers", "model": str(dino)},
        "colour": {"kind": "colour"},
    }


def vectors(embedded: pa.Table, name: str) -> np.ndarray:
    """(n, dim) float64 of the rows that have a vector."""
    rows = [row for row in embedded.column(name).to_pylist() if row is not None]
    return np.array(rows, np.float64)


# rows


def test_every_row_keeps_its_place_and_its_name(files: list[Path]) -> None:
    rows = table(readable(files[0]), REJECTED, *map(readable, files[1:]))
    embedded = made(BUILT_IN, batch=4).transform(rows)
    assert embedded.column("image_id").to_pylist() == rows.column("image_id").to_pylist()


def test_a_row_rejected_before_keeps_its_reason_and_has_no_vector(files: list[Path]) -> None:
    embedded = made(BUILT_IN).transform(table(readable(files[0]), REJECTED)).to_pylist()
    assert embedded[1] == {"image_id": f"{1:032x}", **REJECTED, "colour": None, "structure": None}


def test_an_image_cut_in_its_body_is_rejected_here(files: list[Path]) -> None:
    rows = table(readable(files[1], files[1].stat().st_size // 2), readable(files[0]))
    embedded = made(BUILT_IN).transform(rows).to_pylist()
    assert [row["status"] for row in embedded] == ["truncated", OK]
    assert embedded[0]["colour"] is None


def test_images_far_apart_among_rejected_rows_keep_their_places(files: list[Path]) -> None:
    """Rows are written some hundred at a time: between these two lie whole stretches without an image."""
    one, other = readable(files[0]), readable(files[1])
    rows = table(*[REJECTED] * 300, one, *[REJECTED] * 900, other, *[REJECTED] * 300)
    embedded = made(BUILT_IN).transform(rows)
    assert embedded.column("image_id").to_pylist() == rows.column("image_id").to_pylist()
    assert [place for place, status in enumerate(embedded.column("status").to_pylist()) if status == OK] == [300, 1201]
    alone = made(BUILT_IN).transform(table(one, other))
    assert [embedded.column("colour")[place] for place in (300, 1201)] == list(alone.column("colour"))


@pytest.mark.parametrize("rows", [table(), table(REJECTED), table(REJECTED, REJECTED)], ids=["none", "one", "two"])
def test_a_shard_without_a_readable_image_passes(rows: pa.Table) -> None:
    stage = made(BUILT_IN)
    conformed = stage.schema().conform(stage.transform(rows))
    assert by_status(conformed).seen == rows.num_rows


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_comes_out_conforms_to_the_table_and_counts_every_row(files: list[Path], dtype: str) -> None:
    stage = made(BUILT_IN, dtype)
    embedded = stage.schema().conform(stage.transform(table(*map(readable, files), REJECTED)))
    counts = by_status(embedded)
    assert (counts.seen, counts.ok, counts.rejected) == (14, 13, {"not_an_image": 1})


# vectors


@pytest.mark.slow
def test_vectors_are_finite_and_as_long_as_one(files: list[Path], tiny: dict[str, Any]) -> None:
    embedded = made(tiny).transform(table(*map(readable, files)))
    lengths = [np.linalg.norm(vectors(embedded, name), axis=1) for name in tiny]
    assert np.abs(np.concatenate(lengths) - 1).max() <= 1e-6


def test_a_vector_is_the_encoders_own(files: list[Path], tiny: dict[str, Any]) -> None:
    stage = made(tiny)
    encoder = stage._encoders["dino"].encoder
    own = encoder.encode([encoder.prepare(Image.open(files[4]).convert("RGB"))])[0].astype(np.float64)
    (found,) = vectors(stage.transform(table(readable(files[4]))), "dino")
    assert found @ own / np.linalg.norm(own) == pytest.approx(1, abs=1e-7)


def test_the_bytes_of_a_shard_do_not_depend_on_the_decoding_threads(files: list[Path], tiny: dict[str, Any]) -> None:
    rows = table(*map(readable, files), REJECTED)
    one, many = (made(tiny, batch=4, decoders=decoders).transform(rows) for decoders in (1, 6))
    assert one.equals(many)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_vectors_do_not_depend_on_the_batch(files: list[Path], tiny: dict[str, Any], batch: int) -> None:
    rows = table(*map(readable, files))
    whole, cut = made(tiny, batch=32).transform(rows), made(tiny, batch=batch).transform(rows)
    assert whole.column("colour").equals(cut.column("colour"))
    for name in ("clip", "dino"):
        assert np.abs(vectors(whole, name) - vectors(cut, name)).max() < 1e-6


def test_vectors_do_not_depend_on_rejected_neighbours(files: list[Path], tiny: dict[str, Any]) -> None:
    clean = table(*map(readable, files))
    mixed = table(*(row for path in files for row in (REJECTED, readable(path, 40), readable(path))))
    stage = made(tiny, batch=5)
    one, other = stage.transform(clean), stage.transform(mixed)
    for name in tiny:
        assert np.abs(vectors(one, name) - vectors(other, name)).max() < 1e-6


def test_one_encoder_gives_the_same_bytes_alone_and_beside_others(files: list[Path], tiny: dict[str, Any]) -> None:
    rows = table(*map(readable, files))
    together, alone = made(tiny).transform(rows), made({"clip": tiny["clip"]}).transform(rows)
    assert together.column("clip").equals(alone.column("clip"))


def test_float16_moves_a_cosine_by_no_more_than_its_description_says(files: list[Path]) -> None:
    rows = table(*map(readable, files))
    exact, stored = (made(BUILT_IN, dtype).transform(rows) for dtype in ("float32", "float16"))
    for name in BUILT_IN:
        wide, narrow = vectors(exact, name), vectors(stored, name)
        narrow /= np.linalg.norm(narrow, axis=1, keepdims=True)  # as the search does
        assert 0 < np.abs(wide @ wide.T - narrow @ narrow.T).max() < 6e-5


# encoders that misbehave


class Odd:
    """An encoder whose vector for the second picture is what a test says; the others count up from one."""

    dim, preparation, batched, computed = 2, "width", False, "Python"

    def __init__(self, second: float) -> None:
        self.second = second

    def prepare(self, image: Image.Image) -> Any:
        return image.width

    def encode(self, batch: Sequence[Any]) -> np.ndarray:
        # the second of the pictures is 51 pixels wide
        return np.array([[self.second] * 2 if width == 51 else [1, width] for width in batch], np.float32)


def with_encoder(encoder: Any) -> Embed:
    stage = made({"odd": {"kind": "colour"}, "colour": {"kind": "colour"}}, batch=2)
    stage._encoders["odd"] = Within(encoder)
    return stage


@pytest.mark.parametrize("second", [float("nan"), float("inf"), 0.0])
def test_a_vector_that_is_zero_or_not_finite_rejects_its_image_alone(files: list[Path], second: float) -> None:
    embedded = with_encoder(Odd(second)).transform(table(*map(readable, files[:3]))).to_pylist()
    assert [row["status"] for row in embedded] == [OK, "bad_vector", OK]
    assert "the encoder odd" in embedded[1]["error"]
    assert (embedded[1]["odd"], embedded[1]["colour"]) == (None, None)


def test_float16_is_named_where_its_range_may_be_why(files: list[Path]) -> None:
    odd = Odd(float("inf"))
    odd.computed = "float16 on Card"
    row = with_encoder(odd).transform(table(*map(readable, files[:3]))).to_pylist()[1]
    assert "try embed.precision bfloat16 or float32" in row["error"]


class Fussy(Odd):
    """An encoder that cannot prepare the second picture."""

    def prepare(self, image: Image.Image) -> Any:
        if image.width == 51:
            raise ValueError("no patch fits")
        return image.width


def test_an_image_that_one_encoder_cannot_prepare_is_rejected_for_all(files: list[Path]) -> None:
    embedded = with_encoder(Fussy(1.0)).transform(table(*map(readable, files[:3]))).to_pylist()
    assert [row["status"] for row in embedded] == [OK, "unprepared", OK]
    assert embedded[1]["colour"] is None


class Broken(Odd):
    """An encoder whose forward pass fails, on any image."""

    def encode(self, batch: Sequence[Any]) -> np.ndarray:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_an_encoder_that_fails_fails_the_task(files: list[Path]) -> None:
    with pytest.raises(RuntimeError, match="mat1"):
        with_encoder(Broken(1.0)).transform(table(readable(files[0])))


# weights on this and other machines


def test_a_stage_travels_to_a_worker_small_and_with_its_weights_found(tiny: dict[str, Any]) -> None:
    stage = Embed(EmbedSettings.model_validate({"encoders": tiny}))
    stage.external_state()
    data = pickle.dumps(stage)
    assert len(data) < 4000
    assert pickle.loads(data).worker_bytes() == stage.worker_bytes()


def test_a_stage_set_up_without_its_driver_finds_its_weights(files: list[Path], tiny: dict[str, Any]) -> None:
    stage = Embed(EmbedSettings.model_validate({"encoders": tiny}))
    stage.setup(Machine())
    assert stage.transform(table(readable(files[0]))).column("status").to_pylist() == [OK]


def elsewhere(stage: Embed, monkeypatch: pytest.MonkeyPatch) -> Embed:
    """The stage as it arrives on a machine of another name."""
    arrived = pickle.loads(pickle.dumps(stage))
    monkeypatch.setattr(platform, "node", lambda: "other-machine")
    return arrived


def test_another_machine_with_the_same_weights_is_set_up(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dino = {"kind": "transformers", "model": str(dinov2_checkpoint(tmp_path))}
    stage = Embed(EmbedSettings.model_validate({"encoders": {"dino": dino}}))
    stage.external_state()
    arrived = elsewhere(stage, monkeypatch)
    arrived.setup(Machine())
    assert arrived.transform(table(readable(files[0]))).column("status").to_pylist() == [OK]


def test_another_machine_with_other_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dino = {"kind": "transformers", "model": str(dinov2_checkpoint(tmp_path))}
    stage = Embed(EmbedSettings.model_validate({"encoders": {"dino": dino}}))
    stage.external_state()
    edited(tmp_path / "preprocessor_config.json", image_mean=[0.5, 0.5, 0.5])
    with pytest.raises(Refused, match="other-machine has other weights for the encoder dino"):
        elsewhere(stage, monkeypatch).setup(Machine())


# settings, as a person meets them


def refusal(*changes: str) -> str:
    with pytest.raises(Refused) as caught:
        read_config("mmvp", ["images.sources.0.uri=x.tar", *changes])
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("embed.encoders.clip.pretraned=openai", ["embed.encoders.clip", "'pretraned'", "did you mean pretrained?"]),
        ("embed.encoders.clip.kind=openclip", ["embed.encoders.clip", "'openclip'", "did you mean open_clip?"]),
        ("embed.encoders.clip={model: x}", ["embed.encoders.clip", "kinds are: open_clip, transformers"]),
        ("embed.encoders.clip.pooling=cls", ["embed.encoders.clip", "'pooling'", "known are", "pretrained"]),
        ("embed.encoders.dino.pooling=class", ["embed.encoders.dino", "pooling", "'cls'", "'mean_patch'"]),
        ("embed.encoders.status={kind: colour}", ["embed.encoders", "cannot be called status"]),
        ("embed.encoders.Clip={kind: colour}", ["embed.encoders", "Clip"]),
        ("embed.dtype=float8", ["embed.dtype", "'float32'", "'float16'"]),
        ("embed.dtyp=float16", ["embed", "did you mean dtype?"]),
        ("embed.encoders={}", ["embed.encoders", "name at least one encoder"]),
    ],
)
def test_a_misspelt_setting_is_refused_with_where_and_what_is_right(change: str, words: list[str]) -> None:
    text = refusal(change)
    assert not [word for word in words if word not in text], text


def test_the_fingerprint_holds_the_settings_the_weights_and_the_policy_for_pixels(tiny: dict[str, Any]) -> None:
    stage = Embed(EmbedSettings.model_validate({"encoders": tiny}))
    found = json.loads(json.dumps([stage.settings, stage.external_state()]))
    assert set(found[0]["embed"]["encoders"]) == set(tiny)
    assert {name: sorted(hashes) for name, hashes in found[1]["weights"].items()} == {
        "clip": ["open_clip_config.json", "open_clip_model.safetensors"],
        "dino": ["config.json", "model.safetensors", "preprocessor_config.json"],
    }
    assert found[1]["pixels"]
