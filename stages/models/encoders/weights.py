"""Weights: where an encoder's checkpoint lies on this machine, and the hash that names it.

Only safetensors are read: a pickle can run any code when it is opened. Whether a hub may be asked is
huggingface_hub's own switch, HF_HUB_OFFLINE, which `--offline` sets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifests.errors import Refused

SAFE = "*.safetensors"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True)
class Weights:
    """A folder with a configuration, and the safetensors in it that will be loaded."""

    folder: Path
    files: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)

    def identity(self) -> dict[str, str]:
        """File name -> sha256 of the weights and of the configuration beside them."""
        configs = sorted(self.folder.glob("*config.json"))
        return {path.name: sha256_of(path) for path in (*self.files, *configs)}


def from_folder(folder: Path, config: str | None, names: Sequence[str]) -> Weights:
    """The checkpoint in `folder`: its `config` file (None: the library has its own), and the first of `names`.

    A sharded checkpoint is found through its `.index.json`. Raises Refused for a missing folder,
    configuration or weights, for a configuration that is no JSON, and for pickles.
    """
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder; an encoder's checkpoint folder holds {names[0]}")
    if config is not None:
        _check_config(folder / config)
    for name in names:
        if (index := folder / f"{name}.index.json").is_file():
            return Weights(folder, tuple(folder / part for part in _parts(index)))
        if (folder / name).is_file():
            return Weights(folder, (folder / name,))
    if pickles := sorted(path.name for pattern in PICKLES for path in folder.glob(pattern)):
        raise Refused(
            f"{folder} holds {pickles[0]}, a pickle, which can run any code when opened; "
            f"convert it to {names[0]} (safetensors.torch.save_file)"
        )
    raise Refused(f"{folder} holds no weights; {names[0]} is missing")


def from_hub(repository: str, revision: str | None, config: str | None, names: Sequence[str]) -> Weights:
    """The checkpoint of a hub repository, fetched into the hub's own cache unless it is there.

    Raises Refused where it is neither cached nor to be had.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(repository, revision=revision, allow_patterns=["*.json", *_safe_names(names)])
    except LocalEntryNotFoundError as error:
        raise Refused(
            f"the weights of {repository} are not on this machine and the hub was not to be reached or asked; "
            "run once without --offline, or name a folder"
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise Refused(f"the hub does not give {repository}: {str(error).splitlines()[0]}") from error
    return from_folder(Path(folder), config, names)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _safe_names(names: Sequence[str]) -> list[str]:
    return [*names, *(name.replace(".safetensors", "-*.safetensors") for name in names)]


def _check_config(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise Refused(f"{path.parent} holds no {path.name}; it is not a checkpoint folder of this kind") from None
    except ValueError as error:
        raise Refused(f"{path} is not JSON: {error}") from error
    return value


def _parts(index: Path) -> list[str]:
    return sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
