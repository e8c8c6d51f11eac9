"""Checkpoints: which weights an encoder's settings name, found and checked before anything is loaded.

The driver asks this before any work. Only a name of open_clip's or timm's own (not a folder, not a
hub repository) makes it import that library.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from manifests.errors import Refused
from stages.models.encoders.settings import EncoderSettings, OpenClip, Timm, Transformers
from stages.models.encoders.weights import Weights, from_folder, from_hub

LOCAL, HUB = "local-dir:", "hf-hub:"
OPEN_CLIP = ("open_clip_config.json", ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors"))
TRANSFORMERS = TIMM = ("config.json", ("model.safetensors",))


def weights_of(settings: EncoderSettings) -> Weights | None:
    """The weights an encoder will load, found and fit for use; None for one that has none.

    Raises Refused where they are not at hand, are a pickle, or do not fit the model.
    """
    match settings:
        case OpenClip():
            return _open_clip(settings)
        case Transformers():
            return _transformers(settings)
        case Timm():
            return _timm(settings)
        case _:
            return None


def _open_clip(settings: OpenClip) -> Weights:
    if settings.model.startswith((LOCAL, HUB)) and settings.pretrained:
        raise Refused(f"{settings.model} brings its own weights: leave out pretrained: {settings.pretrained}")
    if settings.model.startswith(LOCAL):
        return from_folder(Path(settings.model.removeprefix(LOCAL)).expanduser(), *OPEN_CLIP)
    if settings.model.startswith(HUB):
        return from_hub(settings.model.removeprefix(HUB), None, *OPEN_CLIP)
    return from_hub(_open_clip_repository(settings.model, settings.pretrained), None, None, OPEN_CLIP[1])


def _transformers(settings: Transformers) -> Weights:
    path = Path(settings.model).expanduser()
    if path.exists() or settings.model.startswith((".", "/", "~")):
        return from_folder(path, *TRANSFORMERS)
    return from_hub(settings.model, settings.revision, *TRANSFORMERS)


def _timm(settings: Timm) -> Weights:
    if settings.model.startswith(LOCAL):
        return from_folder(Path(settings.model.removeprefix(LOCAL)).expanduser(), *TIMM)
    return from_hub(_timm_repository(settings.model), None, *TIMM)


def _open_clip_repository(model: str, tag: str | None) -> str:
    """The hub repository behind open_clip's name and tag. Raises Refused for names it does not know."""
    import open_clip

    if model not in open_clip.list_models():
        raise Refused(f"open_clip knows no model {model}{_nearest(model, open_clip.list_models())}")
    tags = open_clip.list_pretrained_tags_by_model(model)
    if tag is None or tag not in tags:
        raise Refused(f"open_clip has no weights {tag} for {model}; it has: {', '.join(tags) or 'none'}")
    facts = open_clip.get_pretrained_cfg(model, tag)
    _check_activation(model, tag, bool(facts.get("quick_gelu")))
    if not facts.get("hf_hub"):
        raise Refused(f"{model} {tag} is published as a pickle only, which is not opened; choose another tag")
    return str(facts["hf_hub"]).rsplit("/", 1)[0]


def _check_activation(model: str, tag: str, wanted: bool) -> None:
    import open_clip

    if bool((open_clip.get_model_config(model) or {}).get("quick_gelu")) != wanted:
        twin = f"{model}-quickgelu" if wanted else model.removesuffix("-quickgelu")
        raise Refused(f"{model} has another activation than its weights {tag} were trained with; use {twin}")


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _timm_repository(model: str) -> str:
    import timm

    facts = timm.models.get_pretrained_cfg(model)
    if facts is None or not facts.hf_hub_id:
        raise Refused(f"timm has no weights on the hub for {model}; see timm.list_pretrained(), or name local-dir:PATH")
    return str(facts.hf_hub_id)
