"""Prior settings: keep the preprocessing that a run was begun with, where only a preset has changed since.

The presets once left DINOv2's preprocessing to transformers' image processor; they now name torchvision. A run that was
begun before continues unchanged, unless the recipe itself or --set names a preprocessing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from manifests.draft import PLAN
from manifests.manifest import COMMIT, parsed
from manifests.storage import Folder
from pipeline.config.settings import Config

SETTING = "preprocessing"
DEFAULT = "library"  # for runs whose lineage does not name it


def as_begun(config: Config, run: Folder, named: Mapping[str, Any]) -> tuple[Config, str]:
    """Return the config with the preprocessing `run` was begun with, and a sentence on it ("" if nothing changed).

    `named`: the settings that the recipe file and --set give themselves. Raises Refused where the plan or the commit of
    the embeddings is unreadable.
    """
    asking = {name for name, one in config.embed.encoders.items() if getattr(one, SETTING, DEFAULT) != DEFAULT}
    asking -= {name for name, one in _encoders(named).items() if SETTING in one}
    begun = _begun(run / "embeddings") if asking else {}
    kept = sorted(name for name in asking if name in begun and SETTING not in begun[name])
    if not kept:
        return config, ""
    settings = ", ".join(f"embed.encoders.{name}.{SETTING}" for name in kept)
    return _with_default(config, kept), (
        f"{run.url} was begun with {settings}={DEFAULT} and keeps it; a new run (--run) takes what the preset says now"
    )


def _with_default(config: Config, encoders: Collection[str]) -> Config:
    changed = {
        name: one.model_copy(update={SETTING: DEFAULT}) if name in encoders else one
        for name, one in config.embed.encoders.items()
    }
    return config.model_copy(update={"embed": config.embed.model_copy(update={"encoders": changed})})


def _begun(embeddings: Folder) -> Mapping[str, Any]:
    """Return the encoders of the existing embeddings; empty where they were not begun."""
    found = next((name for name in (COMMIT, PLAN) if embeddings.has(name)), None)
    return parsed(embeddings, found, lambda value: _encoders(value["lineage"]["settings"])) if found else {}


def _encoders(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return embed.encoders of some settings, any part of which may be missing."""
    encoders = (settings.get("embed") or {}).get("encoders") or {}
    return {name: one for name, one in encoders.items() if isinstance(one, Mapping)}
