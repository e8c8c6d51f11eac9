"""Whether the embed step is faithful at full size: `make parity-large`.

Real ViT-L/14 architectures with seeded random weights, built as checkpoint folders one after another (each is removed
again), go through the very code of `blindpairs parity`: in float32, and in bfloat16 where this machine has the
instructions. Text towers are tiny: no image passes through them. On a machine with a GPU the step computes there.

    python -m tests.benchmarks.parity_large [--images 8] [--only NAME] [--gain 1.5] [--pairs]

`unlike` is the median cosine of two different images by the library: near 1, a wrong vector could pass.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PRECISIONS = ("float32", "bfloat16")
TINY_TEXT = {"vocab_size": 50, "width": 64, "heads": 2, "layers": 1}
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]  # openai's
DINOV2_L = {
    "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "image_size": 518, "patch_size": 14
}  # fmt: skip
SO400M = {
    "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
    "image_size": 224, "patch_size": 14,
}  # fmt: skip
Encoder = dict[str, Any]  # settings of a recipe


def main() -> None:
    asked = _arguments()
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # they would stand between the lines of the table
    head = ("architecture", "images", "precision", "lowest", "median", "must reach", "verdict", "unlike", "seconds")
    print(_line(head), flush=True)
    for name in [asked.only] if asked.only else BUILDERS:
        with TemporaryDirectory(prefix="parity-large-") as folder:
            encoder = BUILDERS[name](Path(folder), asked.gain)
            images = asked.images if "518" not in name else max(2, asked.images // 2)
            for precision in PRECISIONS:
                for line in _rows(name, encoder, precision, images, pairs=asked.pairs):
                    print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=8, help="half as many at 518 pixels")
    parser.add_argument("--only", choices=sorted(BUILDERS))
    parser.add_argument("--gain", type=float, default=GAIN, help="width of the random weights")
    parser.add_argument("--pairs", action="store_true", help="show each whole answer, with the set of pairs")
    return parser.parse_args()


def _rows(name: str, encoder: Encoder, precision: str, images: int, *, pairs: bool) -> Iterator[str]:
    from manifests.errors import Refused
    from pipeline.reports.parity.parity import parity
    from pipeline.reports.parity.summary import ParitySummary, down

    began = time.perf_counter()
    try:
        found = parity(_config(name, encoder, precision), images=images, seed=0)
    except Refused as refused:  # no instructions for it
        yield _line((name, "", precision, str(refused)))
        return
    one = next(one for one in found.encoders if one.name == "large")
    verdict = "same" if one.same and found.rejected.alike else "NOT THE SAME"
    cosines = down(one.lowest), down(one.median), f"{one.floor:g}"
    seconds = f"{time.perf_counter() - began:.0f}"
    yield _line((name, str(one.images), one.computed, *cosines, verdict, f"{one.unlike:.3f}", seconds))
    if pairs:
        yield str(ParitySummary(found))


def _config(name: str, encoder: Encoder, precision: str) -> Any:
    """A recipe in which the large encoder plays the role it would play, and a built-in one the other."""
    from pipeline.config.settings import Config

    blind = encoder["kind"] == "open_clip"
    other = "structure" if blind else "colour"
    roles = {"blind": "large", "reference": other} if blind else {"blind": other, "reference": "large"}
    encoders = {"large": encoder, other: {"kind": other}}
    return Config.model_validate(
        {
            "run": name,
            "images": {"sources": [{"name": "none", "kind": "folder", "uri": "none"}]},
            "embed": {"encoders": encoders, "precision": precision},
            "search": roles,
        }
    )


def _line(cells: tuple[str, ...]) -> str:
    widths = (18, 6, 24, 10, 10, 10, 12, 6, 0)
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)).rstrip()


def _clip(model: str) -> Callable[[Path, float], Encoder]:
    def build(folder: Path, gain: float) -> Encoder:
        import open_clip
        from open_clip.model import CLIP, CustomTextCLIP
        from safetensors.torch import save_file

        config = open_clip.get_model_config(model)
        config["text_cfg"] |= {**TINY_TEXT, "hf_tokenizer_name": None}
        preprocessing = {"mean": MEAN, "std": STD, "interpolation": "bicubic"}
        if custom := config.get("custom_text"):
            preprocessing |= {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}
        whole = {"model_cfg": config, "preprocess_cfg": preprocessing}
        (folder / "open_clip_config.json").write_text(json.dumps(whole))
        built = (CustomTextCLIP if custom else CLIP)(**{k: v for k, v in config.items() if k != "custom_text"})
        tensors = {key: value.contiguous() for key, value in _drawn(built, gain).state_dict().items()}
        save_file(tensors, folder / "open_clip_model.safetensors", {"format": "pt"})
        return {"kind": "open_clip", "model": f"local-dir:{folder}"}

    return build


def _dinov2(crop: int, registers: int = 0) -> Callable[[Path, float], Encoder]:
    def build(folder: Path, gain: float) -> Encoder:
        import transformers

        if registers:
            settings = transformers.Dinov2WithRegistersConfig(**DINOV2_L, num_register_tokens=registers)
            model = transformers.Dinov2WithRegistersModel(settings)
        else:
            model = transformers.Dinov2Model(transformers.Dinov2Config(**DINOV2_L))
        resize, square = max(256, crop), {"height": crop, "width": crop}
        facts = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3}
        transformers.BitImageProcessor(size={"shortest_edge": resize}, crop_size=square, **facts).save_pretrained(
            folder
        )
        _drawn(model, gain).save_pretrained(folder)
        return {"kind": "transformers", "model": str(folder)}

    return build


def _siglip(folder: Path, gain: float) -> Encoder:
    import transformers

    transformers.SiglipImageProcessor(size={"height": 224, "width": 224}, resample=3).save_pretrained(folder)
    model = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**SO400M))
    _drawn(model, gain).save_pretrained(folder)
    return {"kind": "transformers", "model": str(folder), "pooling": "mean_patch"}


def _drawn(model: Any, gain: float) -> Any:
    """The model with seeded weights; each matrix makes what it is given `gain` times as long."""
    import torch

    torch.manual_seed(7)  # the same weights each time
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0, gain / weight[0].numel() ** 0.5)
            else:
                weight.add_(torch.randn_like(weight) * 0.1)
    return model


GAIN = 1.5
BUILDERS: dict[str, Callable[[Path, float], Encoder]] = {
    "clip-l-224": _clip("ViT-L-14-quickgelu"),
    "clip-l-336": _clip("ViT-L-14-336-quickgelu"),
    "dinov2-l-224": _dinov2(224),
    "dinov2-l-518": _dinov2(518),
    "dinov2-l-registers": _dinov2(224, registers=4),
    "siglip-so400m": _siglip,
    "siglip-open-clip": _clip("ViT-SO400M-14-SigLIP"),
}


if __name__ == "__main__":
    main()
