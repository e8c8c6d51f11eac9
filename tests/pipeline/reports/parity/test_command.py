"""`blindpairs parity` as a person runs it: its exit codes, and encoders by the libraries' own names."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from world.checkpoints import CLIP_CONFIG, dinov2_checkpoint, open_clip_checkpoint
from world.commands import blindpairs, environment
from world.in_process import answered

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
CLIP_OF_THE_HUB = ["--set", "embed.encoders.clip={kind: open_clip, model: hf-hub:someone/clip}"]
COMMIT = "0" * 40


def tiny(folder: Path) -> list[str]:
    """The words that give a preset a tiny encoder and a built-in one."""
    return ["--set", "embed.encoders.clip={kind: colour}", "--set", f"embed.encoders.dino.model={folder}"]


def test_a_preset_is_compared_without_a_source_and_ends_with_0() -> None:
    ended = blindpairs("parity", "demo", "--images", "24", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["faithful"], told["images"], told["run"], told["source"]) == (True, 24, "demo", None)
    assert [encoder["computed"] for encoder in told["encoders"]] == ["NumPy on CPU"] * 2


def test_an_encoder_that_is_one_pixel_off_is_named_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.models.encoders import vision_transformer

    right = vision_transformer.of_transform

    def wrong(transform: Any) -> Any:
        pixels = right(transform)
        return dataclasses.replace(pixels, prepare=lambda image: pixels.prepare(image).roll(1, 2))

    monkeypatch.setattr(vision_transformer, "of_transform", wrong)
    words = tiny(dinov2_checkpoint(tmp_path / "dino"))
    ended = answered("parity", "mmvp", *words, "--images", "12")
    assert ended.returncode == 1, ended.stderr
    assert "the embed step is NOT faithful on this machine: dino (0." in ended.stdout
    assert "clip (" not in ended.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["parity", "mvmp"], "did you mean mmvp"),
        (["parity", "demo", "--photos", "nowhere"], "nowhere is not a folder"),
        (["parity", "demo", "--photos", "."], "no image to compare below it"),
        (["parity", "demo", "--images", "1"], "--images"),
        (["parity", "demo", "--set", "embed.precision=float8"], "embed.precision"),
    ],
)
def test_what_does_not_fit_is_refused(words: list[str], why: str, tmp_path: Path) -> None:
    assert why in refusal(answered(*words, cwd=tmp_path))


def test_weights_that_only_the_hub_has_are_refused_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ended = blindpairs("parity", "mmvp", *CLIP_OF_THE_HUB, "--offline", cwd=tmp_path)
    assert "the hub may not be asked" in refusal(ended)


def refusal(ended: subprocess.CompletedProcess[str]) -> str:
    """What a command said that was refused, without the box that usage errors are drawn in."""
    assert (ended.returncode, ended.stdout) == (2, "")
    return " ".join(ended.stderr.replace("│", " ").split())


NAMED = """
import json, sys
import open_clip, timm
from open_clip import pretrained
from pipeline.reports.parity.parity import parity
from world.parities import config_of
open_clip.add_model_config(sys.argv[1])
facts = pretrained._pcfg(hf_hub="someone/clip/", quick_gelu=True, mean=(.1, .2, .3), std=(.4, .5, .6))
pretrained._PRETRAINED["tiny-quickgelu"] = {"drawn": {**facts, "resize_mode": "squash"}}
clip = {"kind": "open_clip", "model": "tiny-quickgelu", "pretrained": "drawn"}
named = {"kind": "timm", "model": sys.argv[2]}
found = parity(config_of({"clip": clip, "timm": named}, "clip", "timm"), images=6, seed=0)
print(json.dumps(found.to_json()))
"""
TIMM = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def cached(cache: Path, repository: str) -> Path:
    """The folder of a hub's repository in huggingface_hub's cache."""
    folder = cache / "hub" / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    return folder / "snapshots" / COMMIT


def timm_repository(folder: Path) -> None:
    """What timm's hub has of this name, with other weights."""
    import timm
    from safetensors.torch import save_file

    model = timm.create_model(TIMM)
    facts: dict[str, Any] = {**model.pretrained_cfg, "hf_hub_id": f"timm/{TIMM}"}
    whole = {"architecture": TIMM.split(".")[0], "num_classes": 1000, "pretrained_cfg": facts}
    (folder / "config.json").write_text(json.dumps(whole, default=str))
    save_file(model.state_dict(), folder / "model.safetensors", {"format": "pt"})


def test_encoders_by_the_libraries_own_names_are_compared_with_what_the_libraries_make_of_the_names(
    tmp_path: Path,
) -> None:
    open_clip_checkpoint(cached(tmp_path, "someone/clip"))
    timm_repository(cached(tmp_path, f"timm/{TIMM}"))
    path = tmp_path / "tiny-quickgelu.json"
    path.write_text(json.dumps({**CLIP_CONFIG, "quick_gelu": True}))
    world = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    ended = subprocess.run(
        [sys.executable, "-c", NAMED, path, TIMM], env=environment() | world, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["faithful"], told
    assert [encoder["what"] for encoder in told["encoders"]] == ["open_clip tiny-quickgelu drawn", f"timm {TIMM}"]
