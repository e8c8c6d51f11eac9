"""A stranger may have written a configuration: it names nothing else to open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from world.hostile import BUILD, named, put

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.base import load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.config_references import check_references
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
