"""Golden numbers: what Cambrian-1's and MMVP's own code computed from given weights and inputs.

They lie in a folder `golden` beside the photos; the other tests of connectors need no folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from stages.models.connectors.interleaved import InterleavedConnector
from stages.models.connectors.masks import image_mask
from stages.models.connectors.sampler import Sampler
from stages.models.connectors.settings import Interleaved
from stages.models.connectors.windows import Seen, joint_mask, window_mask, windows

pytestmark = pytest.mark.shared
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


class Golden:
    """A file's tensors and settings."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            pytest.skip(f"no golden numbers at {path}")
        with safe_open(path, "pt") as opened:
            self.settings = {name: json.loads(text) for name, text in opened.metadata().items()}
            self.tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping

    def weights(self) -> dict[str, torch.Tensor]:
        start = "weights."
        return {name.removeprefix(start): one for name, one in self.tensors.items() if name.startswith(start)}


@pytest.fixture(params=["sva-2towers", "sva-4towers"])
def sampler(request: pytest.FixtureRequest, shared: Path) -> Golden:
    return Golden(shared / "golden" / f"{request.param}.safetensors")


def test_masks_equal_those_of_cambrian(sampler: Golden) -> None:
    side = sampler.settings["side"]
    for number, factor in enumerate(sampler.settings["factors"]):
        mask = image_mask(sampler.tensors["sizes"].tolist(), side * factor)
        assert torch.equal(window_mask(mask, side), sampler.tensors[f"mask.{number}"])


def test_the_sampler_gives_the_numbers_of_cambrian(sampler: Golden) -> None:
    settings, tensors = sampler.settings, sampler.tensors
    side, factors = settings["side"], settings["factors"]
    ours = Sampler(settings["query_dim"], settings["width"], factors, depth=settings["depth"], heads=16)
    ours.load_state_dict(sampler.weights())
    sizes = tensors["sizes"].tolist()
    seen = Seen(
        [windows(tensors[f"map.{number}"], side * factor, side) for number, factor in enumerate(factors)],
        joint_mask([image_mask(sizes, side * factor) for factor in factors], side),
        tensors["context"][:, None],
    )
    with torch.no_grad():
        found = ours(tensors["query"], seen)
    torch.testing.assert_close(found, tensors["output"], **TOLERANCE)
    assert not torch.allclose(found, tensors["query"], **TOLERANCE)


def test_interleaving_gives_the_embeddings_of_mmvp(shared: Path) -> None:
    golden = Golden(shared / "golden" / "imof-interleave.safetensors")
    weights, settings = golden.weights(), golden.settings
    embedded = weights.pop("embed_tokens.weight")
    one_map = {"width": settings["feature"], "side": round(settings["patches"] ** 0.5)}
    ours = InterleavedConnector(
        Interleaved(kind="interleaved", encoders=[one_map] * 2, language_width=settings["hidden"])
    )
    ours.load_state_dict(weights)
    with torch.no_grad():
        tokens = ours([golden.tensors["clip_features"], golden.tensors["dino_features"]])
    for ids, image, expected, labels in zip(
        golden.tensors["ids"], tokens, golden.tensors["embeds"], golden.tensors["labels_out"]
    ):
        place = ids.tolist().index(settings["image_token"])
        assert labels[place : place + ours.tokens].tolist() == [settings["ignore"]] * ours.tokens
        text = embedded[ids.clamp(min=0)]
        whole = torch.cat([text[:place], image, text[place + 1 :]])
        torch.testing.assert_close(whole, expected[: len(whole)], **TOLERANCE)
