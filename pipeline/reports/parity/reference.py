"""Reference: each library's own documented path, in float32 on the CPU, one image at a time. The test oracle.

Shares no code with what it judges (an import contract enforces it): it opens files with Pillow, and calls open_clip,
transformers and timm as their documentation does (library_paths.py). The built-in encoders have no library: they
are called directly on the picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from pipeline.reports.parity.library_paths import Encode, Reference, of_open_clip, of_timm, of_transformers
from pipeline.reports.parity.result import Picture, Side, Vector
from stages.models.encoders.colour import Colour
from stages.models.encoders.settings import EncoderSettings, OpenClip, Timm, Transformers
from stages.models.encoders.structure import Structure
from stages.models.encoders.weights import Weights

# never all formats that Pillow knows: its EPS plugin starts ghostscript on the file
OPENED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "AVIF")

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


@dataclass(frozen=True)
class Rejection:
    """Why a picture has no vector, in the words of the exception raised."""

    why: str


def by_reference(encoders: Mapping[str, Encode], pictures: Sequence[Picture]) -> Side:
    """Return what the libraries make of each picture."""
    return by_references({"": encoders}, pictures)[""]


def by_references(groups: Mapping[Key, Mapping[str, Encode]], pictures: Sequence[Picture]) -> dict[Key, Side]:
    """Return what each group of encoders makes of each picture, which is opened once for all groups.

    A picture for which one encoder makes no vector is rejected by that encoder's group only.
    """
    sides = {key: Side({name: {} for name in encoders}, {}) for key, encoders in groups.items()}
    for picture in pictures:
        opened = _tried(_opened, picture)
        for key, side in sides.items():
            made = opened if isinstance(opened, Rejection) else _tried(_vectors, groups[key], opened)
            if isinstance(made, Rejection):
                side.rejected[picture.name] = made.why
                continue
            for name, vector in made.items():
                side.vectors[name][picture.name] = vector
    return sides


def _vectors(encoders: Mapping[str, Encode], image: Image.Image) -> dict[str, Vector]:
    return {name: _unit(encode(image)) for name, encode in encoders.items()}


def _tried(work: Callable[..., Made], *words: Any) -> Made | Rejection:
    try:
        return work(*words)
    except MemoryError:  # the machine's failure, not the picture's
        raise
    except Exception as error:  # noqa: BLE001 - Pillow's plugins and the libraries raise nearly anything
        return Rejection(f"{type(error).__name__}: {error}")


def encoder_of(settings: EncoderSettings, found: Weights | None) -> Reference:
    """Load an encoder's reference."""
    if isinstance(settings, OpenClip):
        assert found
        what = " ".join(filter(None, ("open_clip", settings.model, settings.pretrained)))
        return Reference(what, of_open_clip(settings, found))
    if isinstance(settings, Transformers):
        assert found
        return of_transformers(settings, found)
    if isinstance(settings, Timm):
        assert found
        return Reference(f"timm {settings.model}", of_timm(settings, found))
    what = f"{settings.kind}, built in: there is no library, its own code was called directly"
    return Reference(what, _of_colour() if settings.kind == "colour" else _of_structure())


def _unit(vector: Any) -> Vector:
    wide = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(wide))
    if not (np.isfinite(length) and length > 0):
        raise ValueError("its vector is zero or not finite")
    return wide / length


def _of_colour() -> Encode:
    colour = Colour()
    return lambda image: colour.encode([colour.prepare(image)])[0]


def _of_structure() -> Encode:
    structure = Structure()
    return lambda image: structure.encode([structure.prepare(image)])[0]


def _opened(picture: Picture) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(picture.path, formats=OPENED).convert("RGB")
