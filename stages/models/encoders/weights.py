"""Weights: where a model's checkpoint is stored on this machine, and the hashes that identify it.

Only safetensors are read: a pickle can run any code when it is opened. Libraries look for files in the folder they are
given, so they get one that contains only the checked files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from manifests.errors import Refused
from manifests.stores.holding import scratch_folder
from stages.models.encoders.plain_files import check_inside, is_plain, json_of, plain, shown

# the files that affect a vector besides the weights; a tokenizer's files do not
CONFIGS = ("config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
SAFETENSORS, INDEX = ".safetensors", ".index.json"
MOST_PARTS = 1000  # files of one checkpoint; the largest known have 200


@dataclass(frozen=True)
class Weights:
    """A folder with a configuration, and its safetensors files to load (plus the index of a sharded checkpoint).

    `beside`: names, or patterns such as `*.py`, of further files that the library reads, such as a tokenizer's.
    """

    folder: Path
    files: tuple[Path, ...]
    beside: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)

    @property
    def configs(self) -> tuple[Path, ...]:
        """The configuration files next to the weights, and the further files there are."""
        named = [self.folder / name for name in CONFIGS]
        further = [path for name in self.beside for path in sorted(self.folder.glob(name))]
        return tuple(path for path in dict.fromkeys([*named, *further]) if is_plain(path))

    def identity(self) -> dict[str, str]:
        """Return file name -> sha256, for the weights, the configuration next to them, and the further files."""
        return {self._name(path): sha256_of(path) for path in (*self.files, *self.configs)}

    @contextmanager
    def alone(self) -> Iterator[Path]:
        """Provide a temporary folder with links to only these files, for a library to read.

        In the checkpoint's own folder it would also find pickles, adapters and other shards, and prefer some of them.
        """
        with scratch_folder() as folder:
            for path in (*self.files, *self.configs):
                link = folder / self._name(path)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.resolve())
            yield folder

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def from_folder(
    folder: Path, config: str | None, names: Sequence[str], called: str | None = None, *, beside: Sequence[str] = ()
) -> Weights:
    """Find the checkpoint in `folder`: its `config` file (None: the library has its own), and the first of `names`.

    A name that ends in `.index.json` is the index of a sharded checkpoint. `called` is the name of the folder in a
    refusal. `beside`: further files to take along where the folder has them (`Weights.beside`). Raises Refused for a
    missing folder, configuration or weights, for a configuration that is not JSON, for weights that are not a complete
    safetensors file, for pickles, and for files outside the folder.
    """
    called = called or str(folder)
    if not folder.is_dir():
        raise Refused(f"{called} is not a folder; a checkpoint folder holds {names[0]}")
    if config is not None and not is_plain(folder / config):
        raise Refused(f"{called} holds no {config}; it is not a checkpoint folder of this kind")
    found = Weights(folder, _files(folder, names), tuple(beside))
    if not found.files:
        raise Refused(_no_weights(folder, names[0], called))
    for path in found.configs:
        check_inside(path, folder)
    for path in found.files:
        _check_file(path, folder)
    return found


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path, names: Sequence[str]) -> tuple[Path, ...]:
    first = next((folder / name for name in names if is_plain(folder / name)), None)
    if first is None:
        return ()
    return (first, *(folder / part for part in _parts(first))) if first.name.endswith(INDEX) else (first,)


def _parts(index: Path) -> list[str]:
    """Return the files that an index lists. It is checked before it is read, as it may be a link to another place."""
    check_inside(index, index.parent)
    listed = json_of(index, f"{index} does not exist").get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise Refused(f"{index} has no weight_map, which says what lies in which file; fetch it again")
    for name in listed.values():
        _check_name(index, name)
    names = sorted(set(listed.values()))
    if len(names) > MOST_PARTS:
        raise Refused(
            f"{index} lists {len(names):,} files, more than the {MOST_PARTS:,} of any checkpoint; fetch it again"
        )
    return names


def _check_name(index: Path, name: object) -> None:
    """Refuse a name in an index unless it names a safetensors file below the index's own folder."""
    if not isinstance(name, str) or not name.endswith(SAFETENSORS):
        raise Refused(
            f"{index} lists {shown(name)}, which is not a .safetensors file; others are not opened, "
            "for a pickle can run any code: convert it (safetensors.torch.save_file)"
        )
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise Refused(f"{index} lists {shown(name)}, outside the checkpoint's folder; copy that file into the folder")


def _no_weights(folder: Path, wanted: str, called: str) -> str:
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        return (
            f"{called} holds {pickles[0]}, a pickle, which can run any code when opened; "
            f"convert it to {wanted} (safetensors.torch.save_file)"
        )
    return f"{called} holds no {wanted}, the only kind of weights that is opened; name a checkpoint that has it"


def _check_file(path: Path, folder: Path) -> None:
    """Refuse anything that is not a complete safetensors file, such as a truncated download or a git-lfs pointer."""
    from safetensors import SafetensorError, safe_open

    if not is_plain(path):
        raise Refused(f"{plain(str(path))} is missing, though the checkpoint's index lists it; fetch it again")
    check_inside(path, folder)
    if path.name.endswith(INDEX):
        return
    try:
        with safe_open(path, framework="numpy"):
            pass
    except (SafetensorError, OSError) as error:
        raise Refused(f"{path} is not a whole safetensors file ({error}); fetch it again") from error
