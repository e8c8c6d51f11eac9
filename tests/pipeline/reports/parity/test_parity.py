"""The embed step gives the libraries' vectors, on pictures of every sort; and where it does not, that is found."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from world.checkpoints import dinov2_checkpoint, edited, open_clip_checkpoint
from world.parities import config_of, every_kind
from world.pictures import jpeg, picture
from world.runs import BUILT_IN

from manifests.errors import Refused
from pipeline.executors import machine
from pipeline.reports.parity import parity as module
from pipeline.reports.parity.library_paths import Reference
from pipeline.reports.parity.parity import asked, parity
from pipeline.reports.parity.pictures import drawn
from pipeline.reports.parity.reference import by_reference
from pipeline.reports.parity.result import FLOOR, FLOOR_16_BIT, Parity, Picture, Rejected, floor_of
from pipeline.reports.parity.step import _machine, each_computed
from stages.models.encoders import open_clip_tower, vision_transformer
from stages.models.encoders.pixels import Pixels, of_processor

pytestmark = pytest.mark.slow

BFLOAT16 = any(torch.cpu.get_capabilities().get(unit) for unit in ("avx512_bf16", "amx_bf16", "bf16"))


# every form in which pictures are written four times, every size once as blotches and once as a scene
DRAWN = 92


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Picture]:
    return drawn(tmp_path_factory.mktemp("drawn"), DRAWN, 0)


@pytest.fixture(scope="module", autouse=True)
def _drawn_once(pictures: Sequence[Picture]) -> Iterator[None]:
    """Half of a check's time goes into drawing; fewer pictures are the first of many (test_pictures.py)."""

    def again(folder: Path, images: int, seed: int) -> list[Picture]:
        assert images <= DRAWN
        assert seed == 0
        return [Picture(Path(shutil.copy(one.path, folder)), one.name) for one in pictures[:images]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "drawn", again)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, _drawn_once: None) -> Parity:
    """Encoders of every kind, on drawn pictures of every sort."""
    encoders = every_kind(tmp_path_factory.mktemp("checkpoints"))
    return parity(config_of(encoders, "colour", "structure"), images=DRAWN, seed=0)


def test_every_kind_of_encoder_gives_the_librarys_vector_of_every_picture(whole: Parity) -> None:
    assert whole.faithful
    assert len(whole.encoders) == 9
    for encoder in whole.encoders:
        assert (encoder.images, encoder.floor) == (DRAWN, FLOOR), encoder
        assert encoder.median >= encoder.lowest >= FLOOR, encoder
    assert whole.rejected == Rejected({}, {}, {})


def test_unlike_pictures_get_unlike_vectors_so_that_a_wrong_one_would_show(whole: Parity) -> None:
    assert {encoder.name: encoder.unlike for encoder in whole.encoders if encoder.unlike > 0.9} == {}


def test_there_are_pairs_to_lose_and_none_is_lost(whole: Parity) -> None:
    (at,) = whole.pairs.at
    assert at.by_reference == at.by_step > 50
    assert (at.lost, at.gained) == (0, 0)
    assert whole.pairs.blind_change < 1e-6
    assert whole.pairs.reference_change < 1e-6


def test_each_encoder_says_what_it_was_compared_with_and_how_it_computed(whole: Parity) -> None:
    told = {encoder.name: (encoder.what, encoder.computed) for encoder in whole.encoders}
    assert told["patches"][0].endswith("registers, mean_patch, pixels by its image processor")
    assert told["evaluated"][0].endswith("dino, cls, pixels by torchvision")
    assert told["timm"][1] == "float32 on CPU"
    assert "there is no library" in told["colour"][0]
    assert told["colour"][1] == "NumPy on CPU"


def test_how_far_the_other_preprocessing_lies_is_the_distance_of_the_two_references(whole: Parity) -> None:
    apart = {(one.encoder, one.own, one.other): one for one in whole.preprocessings}
    one, back = apart["dino", "library", "torchvision"], apart["evaluated", "torchvision", "library"]
    assert (one.lowest, one.median, one.worst) == (back.lowest, back.median, back.worst)
    assert one.lowest < 0.999 < one.median < 1
    assert one.images == DRAWN
    assert {name for name, _, _ in apart} == {"dino", "evaluated", "registers", "patches", "siglip"}
    assert {one.pairs for one in apart.values()} == {()}, "neither role is theirs"


def test_the_pairs_that_the_other_preprocessing_makes_and_unmakes_are_counted(two: dict[str, Any]) -> None:
    config = config_of(two, "clip", "dino")
    wide = config.filter.model_copy(update={"blind_min": 0.0, "reference_max": 0.6})
    (one,) = parity(config.model_copy(update={"filter": wide}), images=48, seed=0).preprocessings
    (at,) = one.pairs
    assert at.by_own - at.lost + at.gained == at.by_other
    assert at.lost + at.gained > 0


@pytest.mark.parametrize("left_out", ["do_normalize", "do_resize", "do_center_crop"])
def test_torchvision_leaves_out_what_the_checkpoint_leaves_out(
    two: dict[str, Any], tmp_path: Path, left_out: str
) -> None:
    whole = {"size": {"height": 32, "width": 32}} if left_out == "do_center_crop" else {}
    edited(tmp_path / "dino/preprocessor_config.json", **{left_out: False}, **whole)
    evaluated = {**two, "dino": {**two["dino"], "preprocessing": "torchvision"}}
    assert parity(config_of(evaluated, "clip", "dino"), images=8, seed=0).faithful


def test_a_processor_that_torchvision_cannot_follow_is_compared_with_no_other(
    two: dict[str, Any], tmp_path: Path
) -> None:
    edited(tmp_path / "dino/preprocessor_config.json", do_rescale=False, do_normalize=False)
    assert parity(config_of(two, "clip", "dino"), images=4, seed=0).preprocessings == ()


def test_a_step_that_prepares_by_the_other_one_is_found(two: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = {**two, "dino": {**two["dino"], "preprocessing": "torchvision"}}
    monkeypatch.setattr(vision_transformer, "_pixels", lambda processor, asked: of_processor(processor))
    assert unfaithful(parity(config_of(evaluated, "clip", "dino"), images=20, seed=0)) == ["dino"]


@pytest.fixture
def two(tmp_path: Path) -> dict[str, Any]:
    return {
        "clip": {"kind": "open_clip", "model": f"local-dir:{open_clip_checkpoint(tmp_path / 'clip')}"},
        "dino": {"kind": "transformers", "model": str(dinov2_checkpoint(tmp_path / "dino"))},
    }


def unfaithful(found: Parity) -> list[str]:
    assert not found.faithful
    return [encoder.name for encoder in found.encoders if not encoder.same]


def test_means_that_changed_between_the_two_sides_are_found(
    two: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = module.by_step

    def and_then_changed(*words: Any) -> Any:
        made = then(*words)
        edited(tmp_path / "dino/preprocessor_config.json", image_mean=[0.5, 0.45, 0.4])
        return made

    monkeypatch.setattr(module, "by_step", and_then_changed)
    assert unfaithful(parity(config_of(two, "clip", "dino"), images=20, seed=0)) == ["dino"]


def one_pixel_off(of: Callable[[Any], Pixels]) -> Callable[[Any], Pixels]:
    """A preprocessing whose crop lies one pixel further to the left."""

    def shifted(library: Any) -> Pixels:
        pixels = of(library)
        return dataclasses.replace(pixels, prepare=lambda image: pixels.prepare(image).roll(1, 2))

    return shifted


@pytest.mark.parametrize(
    ("where", "name", "encoder"),
    [(open_clip_tower, "of_transform", "clip"), (vision_transformer, "of_processor", "dino")],
)
def test_a_crop_one_pixel_off_is_found(
    two: dict[str, Any], where: Any, name: str, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, one_pixel_off(getattr(where, name)))
    found = parity(config_of(two, "clip", "dino"), images=20, seed=0)
    assert unfaithful(found) == [encoder]
    assert found.pairs.blind_change + found.pairs.reference_change > 1e-4


def test_vectors_stored_in_float16_are_judged_as_they_are_stored(two: dict[str, Any]) -> None:
    config = config_of(two, "clip", "dino", dtype="float16")
    found = parity(config, images=20, seed=0)
    assert found.faithful
    assert 1e-6 < found.pairs.blind_change < 2e-4


@pytest.mark.skipif(not BFLOAT16, reason="this CPU has no instructions for bfloat16")
def test_of_two_real_encoders_bfloat16_is_near_enough_for_the_transformer_and_too_coarse_for_the_convolutions(
    shared: Path,
) -> None:
    encoders = {
        "clip": {"kind": "open_clip", "model": f"local-dir:{shared / 'models/clip-lite-flickr8k'}"},
        "dino": {"kind": "transformers", "model": str(shared / "models/dinov2-small-saliency")},
    }
    config = config_of(encoders, "clip", "dino", precision="bfloat16")
    found = parity(config, images=4, seed=0, source=str(shared / "photos/imagenet"))
    lowest = {encoder.name: encoder.lowest for encoder in found.encoders}
    assert {(encoder.computed, encoder.floor) for encoder in found.encoders} == {("bfloat16 on CPU", FLOOR_16_BIT)}
    assert FLOOR_16_BIT <= lowest["dino"] < 1 - 1e-7  # it was computed in 16 bits
    # EfficientNet-lite0: with its weights alone rounded to bfloat16, the library itself gives no nearer vectors
    assert unfaithful(found) == ["clip"]
    assert 0.998 < lowest["clip"] < FLOOR_16_BIT


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(jpeg(number))
    (folder / "cut.jpg").write_bytes(jpeg(9)[:400])
    (folder / "page.png").write_text("<html>")
    return folder


def test_images_that_both_sides_reject_are_counted_and_are_no_failure(odd: Path) -> None:
    config = config_of({"colour": {"kind": "colour"}, "structure": {"kind": "structure"}}, "colour", "structure")
    found = parity(config, images=200, seed=0, source=str(odd))
    assert found.faithful
    assert found.images == 8
    assert {encoder.images for encoder in found.encoders} == {6}
    assert sorted(found.rejected.both) == ["cut.jpg", "page.png"]
    assert found.rejected.both["page.png"].startswith("not_an_image: ")


def test_an_image_that_one_side_alone_rejects_is_a_failure_with_its_name_and_reason(odd: Path) -> None:
    picture(0, 1, 300).save(odd / "narrow.png")
    config = config_of({"colour": {"kind": "colour"}, "structure": {"kind": "structure"}}, "colour", "structure")
    found = parity(config, images=200, seed=0, source=str(odd))
    assert not found.faithful
    assert all(encoder.same for encoder in found.encoders)
    assert list(found.rejected.step) == ["narrow.png"]
    assert found.rejected.step["narrow.png"].startswith("too_narrow: ")


def test_photos_that_neither_side_can_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_text("<html>")
    config = config_of(BUILT_IN, "colour", "structure")
    with pytest.raises(Refused, match="neither side can read any"):
        parity(config, images=9, seed=0, source=str(tmp_path))


def test_the_worst_picture_is_named_with_its_shape_and_mode(tmp_path: Path) -> None:
    for number in range(2):
        picture(0).convert("CMYK").save(tmp_path / f"{number}.jpg")
    found = parity(config_of(BUILT_IN, "colour", "structure"), images=2, seed=0, source=str(tmp_path))
    assert found.encoders[0].worst.endswith(".jpg, 24 x 16, CMYK")


def test_a_picture_of_which_a_library_makes_no_vector_is_rejected_with_its_words(odd: Path) -> None:
    def raises(image: Image.Image) -> Any:
        raise RuntimeError(f"too small: {image.width}")

    pictures = [Picture(odd / "0.jpg", "0.jpg")]
    assert by_reference({"clip": raises}, pictures).rejected == {"0.jpg": "RuntimeError: too small: 24"}
    found = by_reference({"clip": lambda image: [float("nan"), 1.0], "dino": lambda image: [1.0]}, pictures)
    assert found.rejected == {"0.jpg": "ValueError: its vector is zero or not finite"}
    assert found.vectors == {"clip": {}, "dino": {}}


def test_vectors_that_are_not_even_as_long_are_not_the_same(
    two: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "encoder_of", lambda settings, weights: Reference("another", lambda image: [1.0, 0.0]))
    assert unfaithful(parity(config_of(two, "clip", "dino"), images=2, seed=0)) == ["clip", "dino"]


def test_a_library_that_does_not_load_what_the_step_loads_is_refused_in_one_line(
    two: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*words: Any) -> Any:
        raise RuntimeError("no such\ntag")

    monkeypatch.setattr(module, "encoder_of", fails)
    with pytest.raises(Refused, match=r"embed.encoders.clip: open_clip's own path does not load .* no such tag"):
        parity(config_of(two, "clip", "dino"), images=2, seed=0)


@pytest.mark.parametrize(
    ("told", "each"),
    [
        ("float32 on CPU, compiled", {"clip": "float32 on CPU, compiled", "colour": "float32 on CPU, compiled"}),
        (
            "clip bfloat16 on NVIDIA H100 80GB HBM3, compiled, colour NumPy on CPU",
            {"clip": "bfloat16 on NVIDIA H100 80GB HBM3, compiled", "colour": "NumPy on CPU"},
        ),
    ],
)
def test_how_each_encoder_computed_is_read_from_the_words_for_all(told: str, each: dict[str, str]) -> None:
    assert each_computed(told, ["clip", "colour"]) == each


@pytest.mark.parametrize(
    ("computed", "floor"),
    [
        ("float32 on CPU", FLOOR),
        ("NumPy on CPU", FLOOR),
        ("bfloat16 on X", FLOOR_16_BIT),
        ("float16 on X", FLOOR_16_BIT),
    ],
)
def test_the_floor_is_that_of_how_finely_was_computed(computed: str, floor: float) -> None:
    assert floor_of(computed) == floor


@pytest.mark.parametrize(
    ("there", "asked_for", "device"), [([], None, "cpu"), (["0", "1"], None, "cuda"), (["0"], 0.0, "cpu")]
)
def test_the_step_computes_where_a_worker_would(
    there: list[str], asked_for: float | None, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "gpus", lambda: there)
    config = config_of(BUILT_IN, "colour", "structure")
    embed = config.workers.embed.model_copy(update={"gpus": asked_for})
    found = _machine(config.model_copy(update={"workers": config.workers.model_copy(update={"embed": embed})}))
    assert (found.device, found.gpus) == (device, 1)


def test_a_recipe_whose_sources_are_not_given_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    config = asked("laion-aesthetics", ["filter.reference_max=0.5"], offline=False)
    assert config.filter.reference_max == 0.5
    assert list(config.embed.encoders) == ["clip", "dino"]


def test_an_image_that_is_turned_by_its_exif_is_turned_by_neither_side(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(3):
        picture(number, 60, 30).save(tmp_path / f"{number}.jpg", exif=exif)
    assert parity(config_of(BUILT_IN, "structure", "colour"), images=3, seed=0, source=str(tmp_path)).faithful
