"""Reference: each library's own documented path, in float32 on the CPU, one image at a time. The oracle.

Shares no code with what it judges (an import contract says so): it opens files with Pillow, and calls open_clip,
transformers and timm as their documentation does (library_paths.py). There is no library of the built-in encoders: they
are called directly on the picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from pipeline.parity.library_paths import Encode, Reference, of_open_clip, of_timm, of_transformers
from pipeline.parity.result import Picture, Side, Vector
from stages.models.encoders.colour import Colour
from stages.models.encoders.settings import EncoderSettings, OpenClip, Timm, Transformers
from stages.models.encoders.structure import Structure
from stages.models.encoders.weights import Weights

# never all that Pillow knows: its EPS starts ghostscript on the file
OPENED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "AVIF")


def by_reference(encoders: Mapping[str, Encode], pictures: Sequence[Picture]) -> Side:
    """What the libraries make of each picture."""
    side = Side({name: {} for name in encoders}, {})
    for picture in pictures:
        try:
            image = _opened(picture)
            made = {name: _unit(encode(image)) for name, encode in encoders.items()}
        except MemoryError:  # the machine's failure, not the picture's
            raise
        except Exception as error:  # noqa: BLE001 - Pillow's plugins and the libraries raise nearly anything
            side.rejected[picture.name] = f"{type(error).__name__}: {error}"
            continue
        for name, vector in made.items():
            side.vectors[name][picture.name] = vector
    return side


def encoder_of(settings: EncoderSettings, found: Weights | None) -> Reference:
    """An encoder's reference, loaded."""
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
