"""Checkpoints: find and check the weights that an encoder's settings name, before anything is loaded.

The driver does this before any work. A library is imported only for a model name of its own (open_clip's or timm's),
not for a folder or a hub repository.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from manifests.errors import Refused
from stages.models.encoders.config_references import check_references
from stages.models.encoders.config_sizes import check_sizes
from stages.models.encoders.hub import from_hub
from stages.models.encoders.plain_files import json_of
from stages.models.encoders.settings import EncoderSettings, OpenClip, Timm, Transformers
from stages.models.encoders.weights import Weights, from_folder

LOCAL, HUB = "local-dir:", "hf-hub:"
OPEN_CLIP = ("open_clip_config.json", ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors"))
TIMM = ("config.json", ("model.safetensors",))
TRANSFORMERS = ("config.json", ("model.safetensors", "model.safetensors.index.json"))  # only it reads an index
PREPROCESSING = ("preprocessor_config.json", "processor_config.json")  # either describes the preprocessing
ADAPTER = "adapter_config.json"


def weights_of(settings: EncoderSettings) -> Weights | None:
    """Find the weights that an encoder will load, and check that they are usable; None for an encoder without weights.

    Raises Refused if they are not available, are a pickle, or do not fit the model, and if the configuration next to
    them names any other file to open or has absurd sizes.
    """
    match settings:
        case OpenClip():
            return checked(open_clip_weights(settings.model, settings.pretrained), OPEN_CLIP[0])
        case Transformers():
            found = transformers_weights(settings.model, settings.revision)
            return checked(found, TRANSFORMERS[0], *PREPROCESSING)
        case Timm():
            return _timm(settings)
        case _:
            return None


def transformers_weights(model: str, revision: str | None, *, beside: Sequence[str] = ()) -> Weights:
    """Find a checkpoint of the transformers library: a folder, or a hub id. Its configuration is not checked here.

    `beside`: further files to take along (`Weights.beside`). Raises Refused as from_folder and from_hub do, and without
    a file that describes the preprocessing of images, or with an adapter.
    """
    path = Path(model).expanduser()
    if path.exists() or model.startswith((".", "/", "~")):
        found = from_folder(path, *TRANSFORMERS, beside=beside)
    else:
        found = from_hub(model, revision, *TRANSFORMERS, beside=beside)
    if not any((found.folder / name).is_file() for name in PREPROCESSING):
        raise Refused(f"{model} holds no {PREPROCESSING[0]}, which says how its images are prepared")
    if (found.folder / ADAPTER).exists():
        raise Refused(f"{model} holds an {ADAPTER}; adapters are not applied: merge it into the weights first")
    return found


def checked(found: Weights, *names: str, unsized: Sequence[str] = ()) -> Weights:
    """Return `found` after checking that the configuration that the library will read is harmless.

    `names`: files whose numbers are sizes of a model or an image; `unsized`: further ones, read for names only.
    """
    configs = {path: json_of(path, f"{path} is gone") for path in found.configs if path.name in (*names, *unsized)}
    for path, config in configs.items():
        check_references(path, config)
    check_sizes({path: config for path, config in configs.items() if path.name in names}, found.bytes)
    return found


def open_clip_weights(model: str, tag: str | None, *, beside: Sequence[str] = ()) -> Weights:
    """Find a checkpoint of open_clip: a folder, a hub repository, or a name with a tag. Its configuration is unchecked.

    `beside`: as in transformers_weights; not taken along for a name, whose weights are one file. Raises Refused as
    from_folder and from_hub do, for names that open_clip does not know, and for a tag where there is none to choose.
    """
    if model.startswith((LOCAL, HUB)) and tag:
        raise Refused(f"{model} brings its own weights: set pretrained, now {tag}, to null")
    if model.startswith(LOCAL):
        return from_folder(_folder(model), *OPEN_CLIP, beside=beside)
    if model.startswith(HUB):
        return from_hub(model.removeprefix(HUB), None, *OPEN_CLIP, beside=beside)
    return from_hub(_open_clip_repository(model, tag), None, None, OPEN_CLIP[1])


def check_activation(model: str, tag: str) -> None:
    """Refuse an open_clip model whose activation is not the one its weights were trained with.

    open_clip itself only warns, and gives plausible but wrong vectors.
    """
    import open_clip

    wanted = bool(open_clip.get_pretrained_cfg(model, tag).get("quick_gelu"))
    if bool((open_clip.get_model_config(model) or {}).get("quick_gelu")) == wanted:
        return
    twin = f"{model}-quickgelu" if wanted else model.removesuffix("-quickgelu")
    fits = twin != model and tag in open_clip.list_pretrained_tags_by_model(twin)
    remedy = f"use {twin}" if fits else "choose another tag"
    raise Refused(f"{model} has another activation than its weights {tag} were trained with; {remedy}")


def _timm(settings: Timm) -> Weights:
    if settings.model.startswith(LOCAL):
        return checked(from_folder(_folder(settings.model), *TIMM), TIMM[0])
    return checked(from_hub(_timm_repository(settings.model), None, *TIMM), TIMM[0])


def _folder(model: str) -> Path:
    return Path(model.removeprefix(LOCAL)).expanduser()


def _open_clip_repository(model: str, tag: str | None) -> str:
    """Return the hub repository of an open_clip name and tag. Raises Refused for names open_clip does not know."""
    import open_clip

    if model not in open_clip.list_models():
        near = _nearest(model, open_clip.list_models())
        raise Refused(f"open_clip knows no model {model}{near}; a folder is named {LOCAL}FOLDER")
    tags = open_clip.list_pretrained_tags_by_model(model)
    if tag not in tags:
        asked = "needs to be told which weights" if tag is None else f"has no weights {tag}"
        raise Refused(f"open_clip {asked} for {model} (pretrained: ...); it has: {', '.join(tags) or 'none'}")
    check_activation(model, str(tag))
    repository = open_clip.get_pretrained_cfg(model, tag).get("hf_hub")
    if not repository:
        raise Refused(f"{model} {tag} is published as a pickle only, which is not opened; choose another tag")
    return str(repository).rsplit("/", 1)[0]


def _timm_repository(model: str) -> str:
    """Return the hub repository of a timm name. Raises Refused for names timm does not know."""
    import timm

    try:
        facts = timm.models.get_pretrained_cfg(model)
    except RuntimeError as error:  # the architecture is known, the tag is not
        raise Refused(f"timm: {error}{_nearest(model, timm.list_pretrained())}") from error
    if facts is None or not facts.hf_hub_id:
        raise Refused(
            f"timm has no weights on the hub for {model}{_nearest(model, timm.list_pretrained())}; "
            "see timm.list_pretrained(), or name local-dir:PATH"
        )
    return str(facts.hf_hub_id)


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""
