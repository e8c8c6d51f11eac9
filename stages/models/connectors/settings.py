"""Settings: a connector between vision encoders and a language model; one class per kind.

`tokens` is known from the settings alone, without torch. Papers: MMVP and MoF are arXiv 2401.06209, Cambrian-1 is arXiv
2406.16860, LLaVA-1.5 is arXiv 2310.03744.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from stages.settings import Settings


class FeatureMap(Settings):
    """The patch tokens of one vision encoder: a square grid of vectors, row by row, without a CLS token."""

    width: int = Field(ge=1, description="length of a feature vector; CLIP ViT-L/14: 1024")
    side: int = Field(ge=1, description="tokens along a side of the image; CLIP ViT-L/14 at 336 pixels: 24")


class RegriddedMap(FeatureMap):
    """A feature map that bilinear interpolation may resize to another side before it is projected."""

    target_side: int | None = Field(
        None, ge=1, description="side after interpolation; null: as it is. Cambrian-1 resizes SigLIP's 27 to 24"
    )

    @property
    def used_side(self) -> int:
        """The side of the grid that queries see."""
        return self.target_side or self.side


class Connector(Settings):
    """What every connector has: the encoders it reads, and the language model it writes for."""

    TAKES: ClassVar[int | None] = None  # how many encoders; None: one or more

    encoders: tuple[FeatureMap, ...] = Field(description="feature maps, in the order in which `forward` takes them")
    language_width: int = Field(ge=1, description="hidden size of the language model; Vicuna-7B: 4096, 13B: 5120")

    @model_validator(mode="after")
    def _number_of_encoders(self) -> Self:
        found = len(self.encoders)
        if not found or (self.TAKES and found != self.TAKES):
            name, wanted = type(self).__name__, self.TAKES or "1 or more"
            raise ValueError(f"{name} takes {wanted} encoder(s), not {found}; list {wanted} in encoders")
        return self

    @property
    def tokens(self) -> int:
        """Tokens for each image: as many as the encoder has, unless a kind says otherwise."""
        return self.encoders[0].side ** 2


class Linear(Connector):
    """One linear layer, as in the first LLaVA (haotian-liu/LLaVA, multimodal_projector/builder.py: linear)."""

    TAKES = 1
    kind: Literal["linear"]


class Mlp(Connector):
    """Two linear layers with a GELU between them, as in LLaVA-1.5 (multimodal_projector/builder.py: mlp2x_gelu)."""

    TAKES = 1
    kind: Literal["mlp"]


class _TwoGrids(Connector):
    """Two encoders, CLIP first and DINOv2 second, whose tokens correspond one to one."""

    TAKES = 2

    @model_validator(mode="after")
    def _one_grid(self) -> Self:
        clip, dino = self.encoders
        if clip.side != dino.side:
            raise ValueError(
                f"{type(self).__name__} pairs tokens one to one, but the encoders' sides are {clip.side} and "
                f"{dino.side}; choose sizes of the two images for which their grids are equal"
            )
        return self


class Additive(_TwoGrids):
    """A-MoF: mix the features of CLIP and DINOv2 before one adapter (MMVP, section 4.2). Its code was not released."""

    kind: Literal["additive"]
    share: float = Field(
        0.75, ge=0, le=1, description="DINOv2's share of the sum; CLIP's is the rest. 0.75 is best on MMVP (Table 2)"
    )
    normalize: bool = Field(
        False,
        description="bring every feature vector to mean 0 and variance 1 before adding; whether the authors "
        "normalized is unverified (tsb0601/MMVP, issue 23)",
    )
    adapter: Literal["linear", "mlp"] = Field(
        "mlp", description="mlp: two layers, as in LLaVA-1.5; linear: one, as in the first LLaVA"
    )

    @model_validator(mode="after")
    def _one_width(self) -> Self:
        clip, dino = self.encoders
        if clip.width != dino.width:
            raise ValueError(
                f"Additive adds vectors of one length, but the encoders' widths are {clip.width} and {dino.width}; "
                "choose encoders of equal width, or kind: interleaved"
            )
        return self


class Interleaved(_TwoGrids):
    """I-MoF: an adapter for each encoder, and tokens of CLIP and DINOv2 in turn (MMVP, section 4.3)."""

    kind: Literal["interleaved"]

    @property
    def tokens(self) -> int:
        """Two tokens a patch; 512 at 224 pixels and patches of 14, 1152 at 336."""
        return 2 * self.encoders[0].side ** 2


class Concatenated(Connector):
    """Bring every encoder to one grid, concatenate channels, then apply two linear layers (Cambrian-1, section 3.5)."""

    kind: Literal["concatenated"]
    side: int = Field(24, ge=1, description="tokens along a side of the common grid; Cambrian-1: 24")
    newline: bool = Field(True, description="end each row of tokens with a learned newline, as Cambrian-1's code does")

    @property
    def tokens(self) -> int:
        """The common grid, with one more column for newlines."""
        return self.side * (self.side + self.newline)


class InnerLayers(Settings):
    """Layers of the language model after which image tokens are aggregated again: start + j * stride, j < count."""

    count: int = Field(10, ge=1, description="number of these layers; Cambrian-1 8B and 13B: 10, 34B: 9")
    start: int = Field(0, ge=0, description="the first decoder layer, counted from 0")
    stride: int = Field(
        3, ge=1, description="decoder layers from one to the next; released 8B: 3, 13B: 4, 34B: 7 (the paper says 9)"
    )

    @property
    def indices(self) -> tuple[int, ...]:
        """The decoder layers, counted from 0, whose output is aggregated."""
        return tuple(self.start + j * self.stride for j in range(self.count))


class SpatialAggregator(Connector):
    """Cambrian-1's Spatial Vision Aggregator (section 4), as its code computes it."""

    kind: Literal["spatial_aggregator"]
    encoders: tuple[RegriddedMap, ...] = Field(description="feature maps; every query also gets the first one's mean")
    width: int = Field(1024, ge=1, description="width of the aggregator (vision_hidden_size)")
    heads: int = Field(16, ge=1, description="attention heads; Cambrian-1's code fixes 16")
    depth: int = Field(3, ge=1, description="cross-attention layers for each group of queries (D, connector_depth)")
    query_sides: tuple[int, ...] = Field(
        (24,), description="side of each group's grid of queries (query_num_list, of which these are the square roots)"
    )
    side: int = Field(24, ge=1, description="tokens along a side of the image as the language model sees it")
    newline: bool = Field(True, description="end each row of tokens with a learned newline, as Cambrian-1 does")
    inner: InnerLayers | None = Field(None, description="layers inside the language model; null: none (connector_only)")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}; change one of them")
        if not self.query_sides or min(self.query_sides) < 1:
            raise ValueError("query_sides needs a side of 1 or more for each group of queries; Cambrian-1 has [24]")
        for side in (*self.query_sides, *([self.side] if self.inner else [])):
            self._check_windows(side)
        return self

    def _check_windows(self, side: int) -> None:
        for number, one in enumerate(self.encoders):
            if one.used_side % side:
                raise ValueError(
                    f"encoder {number} has a grid of side {one.used_side}, not a multiple of the queries' {side}; "
                    "set its target_side to a multiple"
                )

    @property
    def tokens(self) -> int:
        """The final grid, with one more column for newlines; Cambrian-1: 24 * 25 = 600."""
        return self.side * (self.side + self.newline)


ConnectorSettings = Linear | Mlp | Additive | Interleaved | Concatenated | SpatialAggregator
CONNECTORS: tuple[type[Connector], ...] = get_args(ConnectorSettings)
CONNECTOR_KINDS = tuple(kind for one in CONNECTORS for kind in get_args(one.model_fields["kind"].annotation))
