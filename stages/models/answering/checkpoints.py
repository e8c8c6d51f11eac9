"""Checkpoints: find and check the files of a model that answers, before anything is loaded.

Besides weights, configuration and preprocessing, such a model reads a tokenizer and a chat template. They change
replies, so they are hashed too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from stages.models.answering.config_areas import check_areas, without_areas
from stages.models.answering.settings import Checkpoint
from stages.models.encoders.checkpoints import PREPROCESSING, TRANSFORMERS, transformers_weights
from stages.models.encoders.config_entries import entries
from stages.models.encoders.config_references import check_references
from stages.models.encoders.config_sizes import check_sizes
from stages.models.encoders.plain_files import json_of, shown
from stages.models.encoders.weights import Weights
from stages.models.tokenizer_files import CONFIG as TOKENIZER_CONFIG
from stages.models.tokenizer_files import TOKENIZER

CHAT = ("chat_template.jinja", "chat_template.json", "additional_chat_templates/*.jinja")
# whatever is in a generation_config.json, only its tokens that end a reply are used
OTHERS = ("generation_config.json", "video_preprocessor_config.json")
CODE = "*.py"
SIZED = (TRANSFORMERS[0], *PREPROCESSING)
READ = (*SIZED, TOKENIZER_CONFIG, *OTHERS)


def weights_of(settings: Checkpoint) -> Weights:
    """Find the weights, configuration, tokenizer and processor of a model.

    Raises Refused if they are not available, are a pickle, name other files to open, or have absurd sizes; and for
    `remote_code` without code, or with code from elsewhere.
    """
    code = (CODE,) if settings.remote_code else ()
    beside = (*TOKENIZER, *CHAT, *OTHERS, *code)
    found = transformers_weights(settings.model, settings.revision, beside=beside)
    configs = {path: json_of(path, f"{path} is gone") for path in found.configs if path.name in READ}
    for path, config in configs.items():
        check_references(path, config)
        if settings.remote_code:
            _check_code(path, config)
    _check_sizes({path: config for path, config in configs.items() if path.name in SIZED}, found.bytes)
    if settings.remote_code and not any(path.suffix == ".py" for path in found.configs):
        raise Refused(f"{settings.model} holds no Python code; set remote_code to false")
    return found


def _check_sizes(configs: Mapping[Path, Mapping[str, Any]], weights_bytes: int) -> None:
    for path, config in configs.items():
        check_areas(path, config)
    check_sizes({path: without_areas(config) for path, config in configs.items()}, weights_bytes)


def _check_code(path: Path, config: Mapping[str, Any]) -> None:
    """Refuse code of another repository, which `--` separates from the name of the class."""
    for key, value in entries(config):
        if key == "auto_map" and "--" in str(value):
            raise Refused(
                f"{path} sets auto_map to {shown(value)}, which runs code from another repository, unchecked; "
                "copy that code beside the weights, and name it without --"
            )
