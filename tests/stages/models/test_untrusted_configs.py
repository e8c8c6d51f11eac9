"""A stranger may have written a configuration: it names nothing else to open, and its sizes are possible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from world.checkpoints import edited
from world.hostile import BUILD, CONFIG, named, put

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.base import load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.config_references import check_references
from stages.models.encoders.config_sizes import check_sizes
from stages.models.encoders.settings import EncoderSettings

READ = TypeAdapter(EncoderSettings)
PREPROCESSOR = "preprocessor_config.json"


def refusal(kind: str, folder: Path) -> str:
    with pytest.raises(Refused) as caught:
        weights_of(READ.validate_python(named(kind, folder)))
    text = str(caught.value)
    assert text.isprintable(), text
    return text


def loaded(kind: str, folder: Path) -> None:
    encoder = READ.validate_python(named(kind, folder))
    load(encoder, weights_of(encoder), Machine())


# what else would be opened or fetched

REFERENCES = [
    ("transformers", "config.json", "transformers_weights", "other.safetensors"),
    ("transformers", "config.json", "configuration_files", ["/elsewhere/config.4.0.0.json"]),
    ("transformers", "config.json", "quantization_config", {"quant_method": "gptq"}),
    ("transformers", "config.json", "backbone", "someone/model"),
    ("transformers", "config.json", "backbone_config.backbone", "someone/model"),
    ("transformers", "config.json", "vision_config.architecture", "hf-hub:someone/model"),
    ("transformers", "config.json", "model_args.checkpoint_path", "/elsewhere/pickle.pth"),
    ("transformers", "config.json", "_attn_implementation", "someone/kernel"),
    ("transformers", "config.json", "attn_implementation", {"": "someone/kernel"}),
    ("transformers", "config.json", "vision_config._attn_implementation", "flash_attention_2"),
    ("transformers", PREPROCESSOR, "class_info_file", "/etc/passwd"),
    ("transformers", PREPROCESSOR, "repo_path", "someone/data"),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.timm_model_name", "hf-hub:someone/model"),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.timm_model_name", "local-dir:/elsewhere"),
    ("open_clip", "open_clip_config.json", "model_cfg.text_cfg.hf_model_name", "/elsewhere"),
    ("open_clip", "open_clip_config.json", "model_cfg.text_cfg.hf_model_name", "someone/model"),
    ("open_clip", "open_clip_config.json", "model_cfg.text_cfg.hf_model_name", ["roberta-base"]),
    ("timm", "config.json", "model_args.checkpoint_path", "/elsewhere/pickle.pth"),
    ("timm", "config.json", "architecture", "hf-hub:someone/model"),
]


@pytest.mark.parametrize(("kind", "file", "keys", "value"), REFERENCES)
def test_a_configuration_that_names_something_else_to_open_is_refused_with_the_key_and_the_value(
    tmp_path: Path, kind: str, file: str, keys: str, value: Any
) -> None:
    put(BUILD[kind](tmp_path) / file, keys, value)
    assert f"{file} sets {keys.split('.')[-1]} to {value!r}, " in refusal(kind, tmp_path)


HARMLESS = [
    ("transformers", "config.json", "_name_or_path", "/somewhere/else"),
    ("transformers", "config.json", "quantization_config", None),
    ("transformers", "config.json", "_attn_implementation", "eager"),
    ("transformers", "config.json", "attn_implementation", "sdpa"),
    ("timm", "config.json", "pretrained_cfg.url", "https://example.org/pickle.pth"),
    ("timm", "config.json", "pretrained_cfg.file", "/elsewhere/pickle.pth"),
    ("timm", "config.json", "pretrained_cfg.hf_hub_id", "someone/model"),
    ("timm", "config.json", "pretrained_cfg.source", "url"),
    ("timm", "config.json", "pretrained_cfg.custom_load", "hf"),
    ("timm", "config.json", "pretrained_cfg.state_dict", {"a": 1}),
    ("open_clip", "open_clip_config.json", "model_cfg.text_cfg.hf_tokenizer_name", "someone/tokenizer"),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.timm_model_pretrained", True),
]


@pytest.mark.parametrize(("kind", "file", "keys", "value"), HARMLESS)
def test_what_a_library_does_not_follow_is_no_reason_to_refuse(
    tmp_path: Path, kind: str, file: str, keys: str, value: Any
) -> None:
    put(BUILD[kind](tmp_path) / file, keys, value)
    loaded(kind, tmp_path)


def test_a_text_tower_that_open_clips_own_models_have_is_taken(tmp_path: Path) -> None:
    config = {"model_cfg": {"text_cfg": {"hf_model_name": "xlm-roberta-large"}}}
    check_references(tmp_path / "open_clip_config.json", config)


# absurd sizes

MANY = 1_000_000
SIZES = [
    ("transformers", "config.json", "num_hidden_layers", MANY),
    ("transformers", "config.json", "hidden_size", MANY),
    ("transformers", "config.json", "image_size", MANY),
    ("transformers", "config.json", "image_size", [32, MANY]),
    ("transformers", "config.json", "num_labels", 3 * MANY),
    ("transformers", "config.json", "mlp_ratio", MANY),
    ("transformers", "config.json", "depth_coefficient", 1e12),
    ("transformers", "config.json", "inner_group_num", 10**9),
    ("transformers", "config.json", "num_hidden_groups", MANY),
    ("transformers", "config.json", "vision_config.num_hidden_layers", MANY),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.layers", MANY),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.layers", [3, 4, MANY, 3]),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.layers", [1000, 1000, 1000, 1000, 1000, 1000]),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.width", MANY),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.image_size", MANY),
    ("open_clip", "open_clip_config.json", "model_cfg.text_cfg.layers", MANY),
    ("open_clip", "open_clip_config.json", "model_cfg.embed_dim", MANY),
    ("open_clip", "open_clip_config.json", "model_cfg.vision_cfg.mlp_ratio", MANY),
    ("open_clip", "open_clip_config.json", "preprocess_cfg.size", MANY),
    ("timm", "config.json", "model_args.depth", MANY),
    ("timm", "config.json", "model_args.depths", [2, 2, MANY, 2]),
    ("timm", "config.json", "model_args.embed_dim", MANY),
    ("timm", "config.json", "model_args.img_size", [MANY, MANY]),
    ("timm", "config.json", "num_classes", MANY),
    ("timm", "config.json", "pretrained_cfg.input_size", [3, MANY, MANY]),
    ("timm", "config.json", "pretrained_cfg.test_input_size", [3, 224, MANY]),
    ("timm", "config.json", "pretrained_cfg.crop_pct", 0.001),
]
SPELLINGS: list[tuple[str, Any]] = [
    ("size", MANY),
    ("size", [MANY, MANY]),
    ("size", {"height": MANY, "width": 32}),
    ("size", {"height": 32, "width": MANY}),
    ("size", {"shortest_edge": MANY}),
    ("size", {"longest_edge": MANY}),
    ("size", {"max_height": MANY, "max_width": 32}),
    ("size", {"shortest_edge": str(MANY)}),
    ("size", {"shortest_edge": 1e6}),
    ("size", {"shortest_edge": -1}),
    ("size", {"height": 32, "width": -1}),
    ("size", {"shortest_edge": -MANY}),
    ("size", {"shortest_edge": float("inf")}),
    ("size", {"shortest_edge": float("nan")}),
    ("size", {"shortest_edge": "1e400"}),
    ("crop_size", MANY),
    ("crop_size", {"height": MANY, "width": MANY}),
    ("pad_size", {"height": MANY, "width": MANY}),
    ("size_divisor", MANY),
    ("max_pixels", MANY),
    ("crop_pct", 1e-6),
    ("some_key_of_another_version", MANY),
]
SIZES += [("transformers", PREPROCESSOR, key, value) for key, value in SPELLINGS]
SIZES += [("transformers", "processor_config.json", f"image_processor.{key}", value) for key, value in SPELLINGS[:4]]


@pytest.mark.parametrize(("kind", "file", "keys", "value"), SIZES)
def test_an_absurd_size_is_refused_before_anything_is_loaded_with_the_file_and_the_key(
    tmp_path: Path, kind: str, file: str, keys: str, value: Any
) -> None:
    folder = BUILD[kind](tmp_path)
    (folder / "processor_config.json").write_text("{}")
    put(folder / file, keys, value)
    text = refusal(kind, tmp_path)
    assert f"{tmp_path / file} sets " in text
    inner = list(value) if isinstance(value, dict) else []
    assert any(f" sets {key} to " in text for key in (keys.split(".")[-1], *inner))
    assert "correct it, or fetch the checkpoint again" in text


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "1" * 4000])
def test_a_number_that_json_text_alone_can_hold_is_beyond_every_bound(tmp_path: Path, number: str) -> None:
    folder = BUILD["transformers"](tmp_path)
    (folder / PREPROCESSOR).write_text('{"crop_size": {"height": NUMBER, "width": 32}}'.replace("NUMBER", number))
    assert f"{PREPROCESSOR} sets height to " in refusal("transformers", tmp_path)


@pytest.mark.parametrize("value", [MANY, -1, float("nan")], ids=str)
def test_a_key_that_is_terminal_codes_is_told_in_printable_words(tmp_path: Path, value: Any) -> None:
    put(BUILD["transformers"](tmp_path) / PREPROCESSOR, "\x1b[2J\nheight", value)
    assert f"{PREPROCESSOR} sets " in refusal("transformers", tmp_path)  # which looks whether it is printable


@pytest.mark.parametrize("more", [{}, {"architecture": "swin"}, {"depths": [2, 2]}], ids=str)
def test_patches_so_small_that_an_image_is_too_many_tokens_are_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    folder = BUILD["transformers"](tmp_path)
    edited(folder / "config.json", patch_size=7, **more)
    put(folder / PREPROCESSOR, "crop_size", {"height": 32, "width": 1024})
    text = refusal("transformers", tmp_path)
    assert f"{folder / 'config.json'} and {folder / PREPROCESSOR} cut images of 1024 pixels" in text
    assert "patch_size 7, beyond 128 a side" in text


def test_layers_that_need_more_weights_than_there_are_bytes_are_refused_though_each_number_is_possible(
    tmp_path: Path,
) -> None:
    put(BUILD["transformers"](tmp_path) / "config.json", "hidden_size", 4096)
    assert "sets num_hidden_layers to 2 and hidden_size to 4,096, which is more weights than" in refusal(
        "transformers", tmp_path
    )


TOO_MUCH = [
    ("transformers", "config.json", "num_channels", 65_000),
    ("open_clip", "open_clip_config.json", "model_cfg.text_cfg.vocab_size", 10**10),
    ("open_clip", "open_clip_config.json", "model_cfg.text_cfg.context_length", 10**6),
    ("timm", "config.json", "model_args.in_chans", 30_000),
]


@pytest.mark.parametrize(("kind", "file", "keys", "value"), TOO_MUCH)
def test_a_model_larger_than_its_weights_account_for_is_refused_before_it_is_allocated(
    tmp_path: Path, kind: str, file: str, keys: str, value: Any
) -> None:
    put(BUILD[kind](tmp_path) / file, keys, value)
    with pytest.raises(Refused, match=r"describes more than [0-9,]* numbers"):
        loaded(kind, tmp_path)


# what people use passes


def tower(layers: int, width: int, **more: Any) -> dict[str, Any]:
    """The configuration of a vision transformer of the transformers library."""
    return {"num_hidden_layers": layers, "hidden_size": width, **more}


def clip(layers: int, width: int, **more: Any) -> dict[str, Any]:
    """The configuration of an open_clip model."""
    return {"model_cfg": {"embed_dim": 1536, "vision_cfg": {"layers": layers, "width": width, **more}}}


LARGEST = {  # configuration, side of the images, millions of weights
    "ViT-22B": (tower(48, 6144, intermediate_size=24_576, patch_size=14), 224, 21_743),
    "EVA-CLIP-18B": (clip(48, 5120, head_width=128, mlp_ratio=5, patch_size=14), 224, 17_500),
    "DINOv3 ViT-7B": (tower(40, 4096, intermediate_size=8192, patch_size=16), 2048, 6_716),
    "InternViT-6B": (tower(45, 3200, intermediate_size=12_800, patch_size=14), 448, 5_537),
    "ViT-bigG-14": (clip(48, 1664, mlp_ratio=4.9231, patch_size=14), 224, 2_539),
    "DINOv2 giant": (tower(40, 1536, image_size=518, patch_size=14), 518, 1_136),
    "SigLIP so400m": ({"vision_config": tower(27, 1152, image_size=384, patch_size=14)}, 384, 878),
    "SAM ViT-H": (tower(32, 1280, image_size=1024, patch_size=16), 1024, 641),
    "Swin V2 G": (
        {"model_type": "swinv2", "depths": [2, 2, 42, 4], "num_layers": 4, "embed_dim": 512, "patch_size": 4},
        1536,
        3_000,
    ),
    "ResNet-1202": ({"architecture": "resnet", "model_args": {"layers": [200, 200, 200]}}, 32, 19),
}


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_known_models_pass(name: str, tmp_path: Path) -> None:
    config, side, millions = LARGEST[name]
    sizes = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}, "resample": 3}
    configs = {tmp_path / "config.json": config, tmp_path / PREPROCESSOR: sizes}
    check_sizes(configs, weights_bytes=millions * 2_000_000)  # as 16 bits


def check(path: Path, config: dict[str, Any]) -> None:
    check_references(path, config)
    check_sizes({path: config}, weights_bytes=10**12)


def test_every_model_of_open_clips_own_list_passes() -> None:
    import open_clip

    for name in open_clip.list_models():
        check(Path(name, "open_clip_config.json"), {"model_cfg": open_clip.get_model_config(name)})


@pytest.mark.slow
def test_every_model_of_timms_own_list_passes() -> None:
    import timm

    for name in timm.list_pretrained():
        facts = timm.models.get_pretrained_cfg(name).to_dict()
        check(Path(name, "config.json"), {"architecture": name.split(".")[0], "pretrained_cfg": facts})


def test_every_image_classifier_of_transformers_passes() -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

    for name in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES:
        check(Path(name, "config.json"), json.loads(CONFIG_MAPPING[name]().to_json_string(use_diff=False)))


@pytest.mark.parametrize("kind", BUILD)
def test_the_checkpoints_of_these_tests_pass_until_they_are_changed(tmp_path: Path, kind: str) -> None:
    folder = BUILD[kind](tmp_path)
    assert (folder / CONFIG[kind]).is_file()
    loaded(kind, folder)


KEYS = sorted({keys.split(".")[-1] for _, _, keys, _ in (*REFERENCES, *SIZES)} | {"patch_size", "height", "\x1b\nsize"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([10**4000, "1e400", -1, 0]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each kind, with every file that says how images are prepared."""
    folders = {kind: build(tmp_path_factory.mktemp(kind)) for kind, build in BUILD.items()}
    for folder in folders.values():
        (folder / PREPROCESSOR).write_text("{}")
    return folders


@given(data=st.data(), kind=st.sampled_from(sorted(BUILD)))
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_a_configuration_is_taken_or_refused_on_one_printable_line(
    data: st.DataObject, kind: str, checkpoints: dict[str, Path]
) -> None:
    path = checkpoints[kind] / data.draw(st.sampled_from([CONFIG[kind], PREPROCESSOR]))
    key, before = data.draw(st.sampled_from(KEYS)), path.read_bytes()
    try:
        put(path, key, data.draw(JSON))
        assert answer(kind, checkpoints[kind]).isprintable()
    finally:
        path.write_bytes(before)


def answer(kind: str, folder: Path) -> str:
    """The words of the refusal, or none."""
    try:
        weights_of(READ.validate_python(named(kind, folder)))
    except Refused as refused:
        return str(refused)
    return ""
