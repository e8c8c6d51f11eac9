"""Checkpoints: find and check the files of a model that matches images and texts, before anything is loaded.

Besides weights, configuration and preprocessing, such a model reads a tokenizer. It changes the vectors of texts, so
its files are hashed too. open_clip's own tokenizer is a part of that library and has no files here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from manifests.errors import Refused
from stages.models.encoders.checkpoints import (
    HUB,
    LOCAL,
    OPEN_CLIP,
    PREPROCESSING,
    TRANSFORMERS,
    checked,
    open_clip_weights,
    transformers_weights,
)
from stages.models.encoders.hub import snapshot
from stages.models.encoders.plain_files import check_inside, json_of, shown
from stages.models.encoders.weights import Weights
from stages.models.matching.settings import MatchingSettings, OpenClipTowers, TransformersTowers
from stages.models.tokenizer_files import CONFIG, TOKENIZER, check_tokenizer

KINDS = ("clip", "siglip", "siglip2")  # `model_type` of transformers' models with two towers
# settings of open_clip's tokenizers that only change words; others open files, fetch them, or drop words at random
HARMLESS = ("clean", "strip_sep_token", "language")


@dataclass(frozen=True)
class TowerWeights(Weights):
    """Weights, and the files of a tokenizer that lies in another folder than they do."""

    tokenizer: Weights | None = None

    def identity(self) -> dict[str, str]:
        """Return file name -> sha256, as Weights does; the tokenizer's names begin with `tokenizer/`."""
        apart = self.tokenizer.identity() if self.tokenizer else {}
        return {**super().identity(), **{f"tokenizer/{name}": digest for name, digest in apart.items()}}


def weights_of(settings: MatchingSettings) -> TowerWeights:
    """Find the weights, configuration, preprocessing and tokenizer of a model.

    Raises Refused if they are not available, are a pickle, name other files to open, or have absurd sizes; and for a
    model without an image tower or without a text tower.
    """
    found = _transformers(settings) if isinstance(settings, TransformersTowers) else _open_clip(settings)
    tokenizer = found.tokenizer if isinstance(found, TowerWeights) else None
    return TowerWeights(found.folder, found.files, found.beside, tokenizer)


def text_config(model: str, found: Weights) -> Mapping[str, Any]:
    """Return what the configuration of an open_clip model says of its text tower."""
    import open_clip

    if model.startswith((LOCAL, HUB)):
        path = found.folder / OPEN_CLIP[0]
        config = json_of(path, f"{path} is gone").get("model_cfg")
    else:
        config = open_clip.get_model_config(model)
    texts = config.get("text_cfg") if isinstance(config, Mapping) else None
    if not isinstance(texts, Mapping):
        raise Refused(f"{model} has no text tower in its configuration (model_cfg.text_cfg); name another checkpoint")
    return texts


def _transformers(settings: TransformersTowers) -> Weights:
    found = transformers_weights(settings.model, settings.revision, beside=TOKENIZER)
    checked(found, TRANSFORMERS[0], *PREPROCESSING, unsized=[CONFIG])
    kind = json_of(found.folder / TRANSFORMERS[0], f"{settings.model} is gone").get("model_type")
    if kind not in KINDS:
        raise Refused(
            f"{settings.model} is a {shown(kind)} model, which does not match images and texts; "
            f"name CLIP, SigLIP or SigLIP2 (model_type {', '.join(KINDS)})"
        )
    check_tokenizer(found, settings.model)
    _check_sentencepiece(settings.model, kind, found)
    return found


def _check_sentencepiece(model: str, kind: str, found: Weights) -> None:
    """Refuse SigLIP's own tokenizer, which transformers builds with a package it does not require, without it."""
    path = found.folder / CONFIG
    named = json_of(path, "").get("tokenizer_class") if path in found.configs else None
    if kind == "siglip" and named in (None, "SiglipTokenizer") and find_spec("sentencepiece") is None:
        raise Refused(
            f"{model} has SigLIP's own tokenizer, which needs two packages; install sentencepiece and protobuf"
        )


def _open_clip(settings: OpenClipTowers) -> Weights:
    found = open_clip_weights(settings.model, settings.pretrained, beside=TOKENIZER)
    is_named = not settings.model.startswith((LOCAL, HUB))
    if not is_named:  # a name's configuration is the library's own
        checked(found, OPEN_CLIP[0], unsized=[TRANSFORMERS[0], CONFIG])
    texts = text_config(settings.model, found)
    _check_cleaning(settings.model, texts)
    if not (elsewhere := texts.get("hf_tokenizer_name")):
        return found
    if is_named:
        return TowerWeights(found.folder, found.files, found.beside, _from_hub(str(elsewhere)))
    check_tokenizer(found, settings.model)
    return found


def _check_cleaning(model: str, texts: Mapping[str, Any]) -> None:
    asked = texts.get("tokenizer_kwargs") or {}
    if not isinstance(asked, Mapping):
        raise Refused(f"{model} sets tokenizer_kwargs to {shown(asked)}, which is not an object; correct it")
    if odd := sorted(set(asked) - set(HARMLESS)):
        raise Refused(
            f"{model} sets {shown(odd[0])} in tokenizer_kwargs, which may open other files or drop words at random; "
            f"remove it ({', '.join(HARMLESS)} are allowed)"
        )


def _from_hub(repository: str) -> Weights:
    """Return the files of a tokenizer on a hub, fetched into the hub's own cache if they are not there."""
    folder: Path = snapshot(repository, None, [TRANSFORMERS[0], *TOKENIZER], "tokenizer's files")
    found = Weights(folder, (), TOKENIZER)
    for path in found.configs:
        check_inside(path, folder)
    check_tokenizer(found, f"the hub's {repository}")
    return checked(found, unsized=[TRANSFORMERS[0], CONFIG])
