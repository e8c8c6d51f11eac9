"""Sizes: bounds on the numbers in a configuration, so that none of them fills memory or takes forever.

A configuration has a few hundred bytes, and a library builds the model it describes before looking at the weights. Each
bound is several times the value in the largest known models. The total size of the model is checked by allocation.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from stages.models.encoders.config_entries import entries
from stages.models.encoders.plain_files import plain, shown

Configs = Mapping[Path, Mapping[str, Any]]


@dataclass(frozen=True)
class Bound:
    """An upper bound `most`, in the unit `what`, on the numbers of every key that matches `keys`."""

    keys: re.Pattern[str]
    most: int
    what: str


PIXELS = Bound(
    re.compile(r"^size$|(image|img|input|crop|pad|resize)_size$|(resolution|edge|height)$"), 4096, "pixels a side"
)
LAYERS = Bound(
    re.compile(r"(?<!per_)(layers?|depths?|blocks?|repeats?|stages?)$|^(layers|blocks)_per_stage$|group_num$|_groups$"),
    1000,
    "layers",
)
CLASSES = Bound(re.compile(r"(^|_)(labels|classes)$"), 200_000, "classes")  # ImageNet-21k has 21,843
RATIOS = Bound(re.compile(r"(^|_)(ratios?|coefficients?|multipliers?)$"), 1000, "times as much")
WIDTHS = Bound(
    re.compile(r"(?<!vocab_)(?<!codebook_)(?<!chunk_)(size|width|dims?|d_model|channels|features|heads|queries)$"),
    65_536,  # the MLP of ViT-22B is 24,576 wide
    "numbers wide",
)
OF_A_MODEL = (PIXELS, LAYERS, CLASSES, RATIOS, WIDTHS)
# in a file that describes preprocessing any number may be a size, except those of tokens and of audio
OF_IMAGES = (Bound(re.compile(r"^(?!(.*_)?(ids?|index|tokens?|length|rate)$)"), PIXELS.most, PIXELS.what),)
MOST_IN_ALL = 5000  # sum of a list of layers; a list of the indices of a hundred layers sums to 4,950
PREPARING = ("preprocessor_config.json", "processor_config.json")
LEAST_CROP = 0.25  # images are resized to their size divided by crop_pct; timm's own are 0.875 to 1.15
MOST_PATCHES = 128  # per side: a full attention matrix then takes 1 GiB per head; 2048 pixels in patches of 16
# models that start with patches of 2 or 4 pixels and let each attend only to neighbors, or to progressively fewer
IN_STAGES = ("convnext", "focalnet", "hiera", "mobilevit", "poolformer", "pvt", "segformer", "swin")
DEPTH = ("num_hidden_layers", "num_layers", "layers", "depth")
WIDTH = ("hidden_size", "width", "embed_dim", "d_model", "dim")
REMEDY = "correct it, or fetch the checkpoint again"


def check_sizes(configs: Configs, weights_bytes: int) -> None:
    """Raise Refused for a number beyond its bound, and for layers that need more weights than the file has bytes."""
    for path, key, value in _entries(configs):
        _check_number(path, key, value)
        if key.endswith("crop_pct") and any(not number >= LEAST_CROP for number in _numbers(value)):
            raise Refused(f"{path} sets {plain(key)} to {shown(value)}, below {LEAST_CROP}; {REMEDY}")
    for path, _, value in _entries(configs):
        if isinstance(value, dict):
            _check_layers(path, value, weights_bytes)
    _check_patches(configs)


def _entries(configs: Configs) -> Iterator[tuple[Path, str, Any]]:
    for path, config in configs.items():
        for key, value in entries(config):
            yield path, key, value


def _check_number(path: Path, key: str, value: Any) -> None:
    """Raise Refused for a number beyond its bound; NaN is within no bound."""
    bounds = OF_IMAGES if path.name in PREPARING else OF_A_MODEL
    bound = next((bound for bound in bounds if bound.keys.search(key)), None)
    if bound is None:
        return
    given = _numbers(value)
    if any(not abs(number) <= bound.most for number in given):
        raise Refused(f"{path} sets {plain(key)} to {shown(value)}, beyond {bound.most:,} {bound.what}; {REMEDY}")
    if bound is LAYERS and sum(given) > MOST_IN_ALL:
        raise Refused(f"{path} sets {plain(key)} to {shown(value)}, beyond {MOST_IN_ALL:,} layers in all; {REMEDY}")
    if _is_side(path, key) and min(given, default=0) < 0:
        raise Refused(f"{path} sets {plain(key)} to {shown(value)}, which is below 0; {REMEDY}")


def _check_layers(path: Path, config: Mapping[str, Any], weights_bytes: int) -> None:
    """Raise Refused for too many layers: each has at least one square matrix of its width, each weight one byte."""
    (depth, layers), (across, width) = _first(config, DEPTH), _first(config, WIDTH)
    if layers * width**2 > weights_bytes:
        raise Refused(
            f"{path} sets {depth} to {layers:,} and {across} to {width:,}, which is more weights than the "
            f"{weights_bytes:,} bytes of the checkpoint hold; {REMEDY}"
        )


def _check_patches(configs: Configs) -> None:
    """Check that the largest image in the smallest patches makes no more tokens than can attend to one another."""
    found = [(path, key, number) for path, key, value in _entries(configs) for number in _numbers(value)]
    side = max((number for path, key, number in found if _is_side(path, key)), default=0)
    patch = min((number for _, key, number in found if key == "patch_size" and number > 0), default=side)
    most = PIXELS.most if _is_in_stages(configs) else MOST_PATCHES
    if side > most * patch:
        names = " and ".join(str(path) for path in configs)
        raise Refused(
            f"{names} cut images of {side} pixels into patches with patch_size {patch}, beyond {most} a side; {REMEDY}"
        )


def _is_side(path: Path, key: str) -> bool:
    """Whether the key is a side of an image; a model's `width` is how many numbers a token has."""
    return bool(PIXELS.keys.search(key)) or (path.name in PREPARING and key.endswith("width"))


def _is_in_stages(configs: Configs) -> bool:
    """Whether every name by which a library may choose the model's class is one of IN_STAGES."""
    names = [config.get(key) for config in configs.values() for key in ("model_type", "architecture")]
    chosen = [name for name in names if isinstance(name, str) and name != "timm_wrapper"]
    return bool(chosen) and all(name.startswith(IN_STAGES) for name in chosen)


def _first(config: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, int]:
    """Return the first of these keys that has an integer, and that integer; an empty name and 0 if there is none."""
    return next(((key, value) for key in keys if type(value := config.get(key)) is int), ("", 0))


def _numbers(value: Any) -> list[float]:
    """Return the number or numbers in a value or list, including those written as text."""
    if isinstance(value, list):
        return [number for each in value if not isinstance(each, list) for number in _numbers(each)]
    if isinstance(value, (int, float)):
        return [value]
    try:
        return [float(value)] if isinstance(value, str) else []
    except ValueError:
        return []
