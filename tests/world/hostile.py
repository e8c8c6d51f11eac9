"""Checkpoints as a stranger would write them: pickles in odd places, and a watch on what any process opens."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

from world.checkpoints import dinov2_checkpoint, open_clip_checkpoint, timm_checkpoint

BUILD = {"open_clip": open_clip_checkpoint, "transformers": dinov2_checkpoint, "timm": timm_checkpoint}
WEIGHTS = {"open_clip": "open_clip_model.safetensors", "transformers": "model.safetensors", "timm": "model.safetensors"}
CONFIG = {"open_clip": "open_clip_config.json", "transformers": "config.json", "timm": "config.json"}
LIBRARYS_PICKLE = {
    "open_clip": "open_clip_pytorch_model.bin",
    "transformers": "pytorch_model.bin",
    "timm": "pytorch_model.bin",
}
WATCH = """
import os, sys
def watch(event, words):
    if event == "open" and str(words[0]).endswith((".bin", ".pth", ".pt")):
        with_descriptor = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(with_descriptor, (str(words[0]) + "\\n").encode())
        os.close(with_descriptor)
sys.addaudithook(watch)
"""


class Canary:
    """An object whose pickle makes a file when it is opened."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (str(self.made), "w")


def named(kind: str, folder: Path) -> dict[str, str]:
    """An encoder's settings that name this folder."""
    return {"kind": kind, "model": str(folder) if kind == "transformers" else f"local-dir:{folder}"}


def canary(path: Path, made: Path) -> None:
    """Write a pickle that makes the file `made` when it is opened by whatever does not forbid that."""
    path.write_bytes(pickle.dumps(Canary(made)))


def pickled(weights: Path, path: Path) -> None:
    """Write the tensors of a safetensors file as the pickle that a library would take in its place."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(weights), path)


def indexed(folder: Path, part: Any) -> Path:
    """Let the folder's weights be a sharded checkpoint, of which every tensor lies in `part`. Returns the weights."""
    from safetensors import safe_open

    hidden = folder / "hidden.safetensors"
    (folder / "model.safetensors").rename(hidden)
    with safe_open(hidden, framework="numpy") as file:
        listed = dict.fromkeys(file.keys(), part)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": listed}))
    return hidden


def put(path: Path, keys: str, value: Any) -> None:
    """Set one value of a JSON file, by the names that lead to it, with a dot between."""
    whole = inner = json.loads(path.read_bytes())
    *outer, last = keys.split(".")
    for key in outer:
        inner = inner.setdefault(key, {})
    inner[last] = value
    path.write_text(json.dumps(whole))


def watched(folder: Path) -> tuple[dict[str, str], Path]:
    """An environment in which every Python process writes down the pickles that it opens, and where."""
    log = folder / "opened"
    (folder / "sitecustomize.py").write_text(WATCH.format(log=str(log)))
    return {"PYTHONPATH": str(folder)}, log
