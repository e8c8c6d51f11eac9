"""Settings: an encoder in a recipe; one class per kind, so that a setting of another kind is an error."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from stages.settings import Settings, known_kind

Pooling = Literal["cls", "mean_patch"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
Preprocessing = Literal["library", "torchvision"]


class OpenClip(Settings):
    """An open_clip image tower: the projected embedding, as `encode_image` gives it."""

    kind: Literal["open_clip"]
    model: str = Field(description="ViT-L-14-quickgelu, hf-hub:org/name, or local-dir:PATH")
    pretrained: str | None = Field(None, description="open_clip's tag for a named model, such as openai")


class Transformers(Settings):
    """A vision transformer of the transformers library, such as DINOv2."""

    kind: Literal["transformers"]
    model: str = Field(description="hub id (facebook/dinov2-large), or a folder")
    revision: str | None = Field(None, description="commit or branch on the hub")
    pooling: Pooling = Field(
        "cls", description="which vector of last_hidden_state: the CLS token, or the mean of the patch tokens"
    )
    preprocessing: Preprocessing = Field(
        "library",
        description="who resizes and crops: transformers' image processor, or torchvision on PIL images, "
        "as DINOv2's own evaluation does; both take sizes, mean and std from the checkpoint",
    )


class Timm(Settings):
    """A timm model's pooled features, before any classifier."""

    kind: Literal["timm"]
    model: str = Field(description="timm name with tag (vit_small_patch14_dinov2.lvd142m), or local-dir:PATH")


class Colour(Settings):
    """Built in, no weights: which colors an image has, but not where they are."""

    kind: Literal["colour"]


class Structure(Settings):
    """Built in, no weights: edges and layout of an image."""

    kind: Literal["structure"]


MODELS: tuple[type[Settings], ...] = (OpenClip, Transformers, Timm, Colour, Structure)
KINDS = tuple(get_args(model.model_fields["kind"].annotation)[0] for model in MODELS)


EncoderSettings = Annotated[
    OpenClip | Transformers | Timm | Colour | Structure,
    Field(discriminator="kind"),
    BeforeValidator(known_kind("encoder", KINDS)),
]
