"""Settings: a model that matches images and texts, in an evaluation's recipe; one class per kind."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.models.answering.settings import Precision
from stages.settings import Settings


class OpenClipTowers(Settings):
    """An open_clip model with its tokenizer."""

    kind: Literal["open_clip"]
    model: str = Field(description="ViT-L-14-quickgelu, hf-hub:org/name, or local-dir:PATH")
    pretrained: str | None = Field(None, description="open_clip's tag for a named model, such as openai")
    precision: Precision = Field("auto", description="auto: float32, since the cosines of a pair are close")


class TransformersTowers(Settings):
    """CLIP, SigLIP or SigLIP2 from the transformers library, with its tokenizer."""

    kind: Literal["clip"]
    model: str = Field(description="hub id (google/siglip2-so400m-patch14-384), or a folder")
    revision: str | None = Field(None, description="commit or branch on the hub")
    precision: Precision = Field("auto", description="auto: float32, since the cosines of a pair are close")


MatchingSettings = OpenClipTowers | TransformersTowers
MATCHING_KINDS = ("open_clip", "clip")
