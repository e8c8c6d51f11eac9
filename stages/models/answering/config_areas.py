"""Areas: some processors bound the total pixels of an image, with keys that elsewhere mean the pixels of a side.

Such a processor keeps an image's shape, and resizes it until its area is between two bounds (transformers 5.24,
`smart_resize` of models/qwen2_vl/image_processing_qwen2_vl.py and of those made from it).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from stages.models.encoders.config_entries import entries
from stages.models.encoders.plain_files import plain, shown

BY_AREA = ("Qwen2VL", "Glm4v", "Glm46V", "PaddleOCRVL", "VideoLlama3", "Ernie4_5_VLMoe")
KEYS = ("min_pixels", "max_pixels", "shortest_edge", "longest_edge")
UNUSED = ("video_processor", "feature_extractor")  # models are shown images alone
MOST = 1 << 25  # pixels; Qwen3-VL has 16,777,216


def check_areas(path: Path, config: Mapping[str, Any]) -> None:
    """Raise Refused for an area that is no number, is below 1, or beyond twice that of the largest known models."""
    for key, value in entries({"": [one for _, one in entries(config) if _is_by_area(one)]}):
        if key not in KEYS or value is None:
            continue
        if type(value) is not int or not 1 <= value <= MOST:
            raise Refused(
                f"{path} sets {plain(key)} to {shown(value)}, not between 1 and {MOST:,} pixels; "
                "correct it, or fetch the checkpoint again"
            )


def without_areas(config: Any) -> Any:
    """Return the configuration without areas, and without what prepares video and sound."""
    if not isinstance(config, Mapping):
        return config
    left = {key: without_areas(value) for key, value in config.items() if key not in UNUSED}
    return _without_keys(left) if _is_by_area(config) else left


def _without_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    size = config.get("size")
    sized = {"size": {key: size[key] for key in size if key not in KEYS}} if isinstance(size, Mapping) else {}
    return {key: value for key, value in {**config, **sized}.items() if key not in KEYS}


def _is_by_area(config: Any) -> bool:
    """Whether this describes a processor of images of such a kind, by the key by which the library chooses it."""
    return isinstance(config, Mapping) and str(config.get("image_processor_type", "")).startswith(BY_AREA)
