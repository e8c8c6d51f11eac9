"""References: what a configuration must not refer to, because a library would open or fetch it unchecked.

The list comes from reading how open_clip 3.3, transformers 5.24 and timm 1.0.31 load a folder. Custom code (`auto_map`)
is not in it, because the libraries are called in a way that does not run any.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from stages.models.encoders.config_entries import entries
from stages.models.encoders.plain_files import shown

# key -> what a library loads from the location in its value
ELSEWHERE = {
    "transformers_weights": "weights",
    "configuration_files": "its configuration",
    "checkpoint_path": "weights",
    "backbone": "another model",
    "repo_path": "a list of classes",
    "class_info_file": "a list of classes",
    "audio_tokenizer": "another model",
    "fast_tokenizer_files": "its tokenizer",  # the library keeps no name in this list inside the folder
    "vocab_file": "its vocabulary",
    "merges_file": "its vocabulary",
    "spm_file": "its vocabulary",
}
QUANTIZED = ("quantization_config", "compression_config")
ATTENTION = ("attn_implementation", "_attn_implementation")
COMPUTED = (None, "eager", "sdpa", "flex_attention")  # torch's own; others may be code fetched from a hub
MODEL_OF_TIMM = ("architecture", "timm_model_name")  # a prefix hf-hub: or local-dir: says where the model is stored
TEXT_MODEL = "hf_model_name"


def check_references(path: Path, config: Mapping[str, Any]) -> None:
    """Raise Refused for a value that makes a library open or fetch something outside the checkpoint's checked files."""
    for key, value in entries(config):
        if value is not None and (problem := _problem(key, value)):
            raise Refused(f"{path} sets {key} to {shown(value)}, {problem}")


def _problem(key: str, value: Any) -> str | None:
    if key in ELSEWHERE:
        return f"which takes {ELSEWHERE[key]} from elsewhere, unchecked; remove it, or name a checkpoint without it"
    if key in QUANTIZED:
        return "and quantized weights are not read; name the checkpoint that is not quantized"
    if key in ATTENTION and (isinstance(value, (dict, list)) or value not in COMPUTED):
        return "which may be fetched as code; remove it: torch's own attention gives the same vectors"
    if key in MODEL_OF_TIMM and isinstance(value, str) and ":" in value:
        return "which takes the model's shape from elsewhere; name an architecture of timm's own"
    if key == TEXT_MODEL and value not in _text_models():
        return f"which lies elsewhere; open_clip's own models have {', '.join(_text_models())}"
    return None


def _text_models() -> list[str]:
    """Return the hub's text models used by open_clip's own models; only their configuration is fetched."""
    import open_clip

    models = [open_clip.get_model_config(name) or {} for name in open_clip.list_models()]
    return sorted({name for model in models if (name := model.get("text_cfg", {}).get(TEXT_MODEL))})
