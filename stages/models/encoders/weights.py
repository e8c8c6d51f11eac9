"""Weights: where an encoder's checkpoint lies on this machine, and the hash that names it.

Only safetensors are read: a pickle can run any code when it is opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifests.errors import Refused

# what decides a vector beside the weights; a tokenizer's files do not
CONFIGS = ("config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True)
class Weights:
    """A folder with a configuration, and the safetensors in it that will be loaded (of a sharded one the index too)."""

    folder: Path
    files: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)

    def identity(self) -> dict[str, str]:
        """File name -> sha256 of the weights and of the configuration beside them."""
        beside = [path for name in CONFIGS if (path := self.folder / name).is_file()]
        return {path.name: sha256_of(path) for path in (*self.files, *beside)}


def from_folder(folder: Path, config: str | None, names: Sequence[str], called: str | None = None) -> Weights:
    """The checkpoint in `folder`: its `config` file (None: the library has its own), and the first of `names`.

    A sharded checkpoint is found through its `.index.json`. `called` is what to call the folder in a refusal.
    Raises Refused for a missing folder, configuration or weights, for a configuration that is no JSON,
    for weights that are no whole safetensors file, and for pickles.
    """
    called = called or str(folder)
    if not folder.is_dir():
        raise Refused(f"{called} is not a folder; an encoder's checkpoint folder holds {names[0]}")
    if config is not None:
        _json(folder / config, f"{called} holds no {config}; it is not a checkpoint folder of this kind")
    files = _files(folder, names)
    if not files:
        raise Refused(_no_weights(folder, names[0], called))
    for path in files:
        _check_file(path)
    return Weights(folder, files)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path, names: Sequence[str]) -> tuple[Path, ...]:
    for name in names:
        if (folder / name).is_file():
            return (folder / name,)
        if (index := folder / f"{name}.index.json").is_file():
            return (index, *(folder / part for part in _parts(index)))
    return ()


def _parts(index: Path) -> list[str]:
    listed = _json(index, f"{index} is not there").get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise Refused(f"{index} has no weight_map, which says what lies in which file; fetch it again")
    return sorted(set(listed.values()))


def _no_weights(folder: Path, wanted: str, called: str) -> str:
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        return (
            f"{called} holds {pickles[0]}, a pickle, which can run any code when opened; "
            f"convert it to {wanted} (safetensors.torch.save_file)"
        )
    return f"{called} holds no {wanted}, the only kind of weights that is opened; name a checkpoint that has it"


def _check_file(path: Path) -> None:
    """Refuse what is not a whole safetensors file, such as a cut download or a git-lfs pointer."""
    from safetensors import SafetensorError, safe_open

    if path.suffix != ".safetensors":
        return
    if not path.is_file():
        raise Refused(f"{path} is missing, though the index beside it lists it; fetch it again")
    try:
        with safe_open(path, framework="numpy"):
            pass
    except (SafetensorError, OSError) as error:
        raise Refused(f"{path} is not a whole safetensors file ({error}); fetch it again") from error


def _json(path: Path, absent: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise Refused(absent) from None
    except ValueError as error:
        raise Refused(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused(f"{path} is not a JSON object; it does not describe a checkpoint")
    return value
