"""open_clip's two towers: `encode_image` and `encode_text`, with the library's own tokenizer for the model.

A text is cut at the context length of the model's configuration: 77 tokens for CLIP, 64 for most SigLIP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.base import Machine
from stages.models.encoders.checkpoints import HUB, LOCAL, OPEN_CLIP
from stages.models.encoders.open_clip_tower import built, image_network
from stages.models.matching.checkpoints import TowerWeights, text_config
from stages.models.matching.settings import OpenClipTowers
from stages.models.matching.towers import Inputs, Tower, Towers, device_of_towers

CLIPS = "clips"  # a `tokenizer_mode` that adds a class token after the text


def load(settings: OpenClipTowers, found: TowerWeights, machine: Machine) -> Towers:
    """Load both towers onto the device, from exactly the files that were found."""
    device = device_of_towers(machine, settings.precision)
    words = OpenClipWords(_tokenizer(settings.model, found))
    model, transform = built(settings.model, settings.pretrained, found)
    scale = float(model.logit_scale.detach().float().exp())
    images = image_network(model, transform, device)
    texts = Tower(lambda text: model.encode_text(text, normalize=False), device)
    return Towers(images, words, texts, scale, images.computed)


class OpenClipWords:
    """open_clip's tokenizer (towers.Words): its own (SimpleTokenizer), or one of transformers (HFTokenizer)."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer, self._longest = tokenizer, int(tokenizer.context_length)

    def inputs(self, texts: Sequence[str]) -> list[Inputs]:
        return [{"text": row} for row in self._tokenizer(list(texts))]

    def too_long(self, texts: Sequence[str]) -> list[bool]:
        return [self._length(text) > self._longest for text in texts]

    def _length(self, text: str) -> int:
        """Count tokens, with those that mark begin and end."""
        of_transformers = getattr(self._tokenizer, "tokenizer", None)
        if of_transformers is None:
            return len(self._tokenizer.encode(text)) + 2
        cleaned = self._tokenizer.clean_fn(text)
        if self._tokenizer.tokenizer_mode == CLIPS:
            return len(of_transformers(cleaned, add_special_tokens=False, verbose=False).input_ids) + 3
        return len(of_transformers(cleaned, verbose=False).input_ids)


def _tokenizer(model: str, found: TowerWeights) -> Any:
    """Create the model's tokenizer, from the checked files alone."""
    import open_clip

    # trust_remote_code: if unset, the library asks in the terminal whether to run the checkpoint's own code
    of_transformers = {"trust_remote_code": False, "local_files_only": True}
    how = of_transformers if text_config(model, found).get("hf_tokenizer_name") else {}
    with _folder(model, found) as folder:
        return open_clip.get_tokenizer(f"{LOCAL}{folder}", **how)


@contextmanager
def _folder(model: str, found: TowerWeights) -> Iterator[Path]:
    """Provide a folder as open_clip reads one: a name's configuration is written into it, beside its tokenizer."""
    import open_clip

    if model.startswith((LOCAL, HUB)):
        with found.alone() as folder:
            yield folder
        return
    with (found.tokenizer or TowerWeights(found.folder, ())).alone() as folder:
        path = folder / OPEN_CLIP[0]
        path.unlink(missing_ok=True)  # a link into the hub's cache, where nothing may be written
        path.write_text(json.dumps({"model_cfg": open_clip.get_model_config(model)}))
        yield folder
