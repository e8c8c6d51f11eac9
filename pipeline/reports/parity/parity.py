"""Parity: compare the embed step's vectors of some pictures with the libraries' own, encoder by encoder.

Pictures pass through the step itself (step.py), as this machine would run it, and through each library's documented
path in float32 (reference.py). Differences are reported for each encoder and for the set of pairs (pairs.py); the
pictures come from pictures.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from manifests.errors import Refused
from manifests.stores.holding import scratch_folder
from pipeline.config.loading import read_config
from pipeline.config.settings import Config
from pipeline.reports.parity.library_paths import Reference
from pipeline.reports.parity.pairs import Role, every_two, pairs_of
from pipeline.reports.parity.pictures import drawn, photos
from pipeline.reports.parity.preprocessings import preprocessings
from pipeline.reports.parity.reference import by_reference, encoder_of
from pipeline.reports.parity.result import EncoderParity, Pairs, Parity, Picture, Rejected, Side, floor_of
from pipeline.reports.parity.rows import named, rows, with_vectors
from pipeline.reports.parity.step import by_step
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.settings import EncoderSettings

NO_SOURCE = "images={sources: [{name: none, kind: folder, uri: none}]}"  # the recipe's own sources are not read


def asked(recipe: str, changes: Sequence[str], offline: bool) -> Config:
    """Read the recipe, whatever its sources. `offline` sets the hub's own switch."""
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    return read_config(recipe, [*changes, NO_SOURCE])


def parity(config: Config, *, images: int, seed: int, source: str | None = None) -> Parity:
    """Compare the step with the libraries on `images` drawn pictures, or on random photos of the folder `source`.

    Raises Refused where weights, device or pictures are not usable.
    """
    with scratch_folder() as scratch:
        folder = scratch.resolve()
        pictures = (
            drawn(folder, images, seed) if source is None else photos(Path(source).expanduser(), folder, images, seed)
        )
        step, computed = by_step(config, folder, pictures)
        references = {name: _loaded(name, settings) for name, settings in config.embed.encoders.items()}
        reference = by_reference({name: one.encode for name, one in references.items()}, pictures)
        rejected = _rejected(step, reference)
        if not with_vectors((step, reference), tuple(config.embed.encoders)) and rejected.alike:
            raise Refused("neither side can read any of the pictures; name a folder of sound images with --photos")
        encoders = [
            _encoder(name, (step, reference), one.what, computed[name], pictures) for name, one in references.items()
        ]
        apart = tuple(preprocessings(config, references, reference, pictures))
    return Parity(
        run=config.run,
        source=source,
        seed=seed,
        images=len(pictures),
        encoders=tuple(encoders),
        rejected=rejected,
        roles=(config.search.blind, config.search.reference),
        pairs=_pairs(config, step, reference),
        preprocessings=apart,
    )


def _loaded(name: str, settings: EncoderSettings) -> Reference:
    weights = weights_of(settings)
    try:
        return encoder_of(settings, weights)
    except MemoryError:
        raise
    except Exception as error:  # the libraries raise nearly anything
        words = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise Refused(
            f"embed.encoders.{name}: {settings.kind}'s own path does not load what the step loaded ({words}); "
            "name the checkpoint's folder instead"
        ) from error


def _rejected(step: Side, reference: Side) -> Rejected:
    ours, theirs = step.rejected, reference.rejected
    return Rejected(
        both={name: why for name, why in ours.items() if name in theirs},
        step={name: why for name, why in ours.items() if name not in theirs},
        reference={name: why for name, why in theirs.items() if name not in ours},
    )


def _encoder(
    name: str,
    sides: tuple[Side, Side],
    what: str,
    computed: str,
    pictures: Sequence[Picture],
) -> EncoderParity:
    names = with_vectors(sides, [name])
    step, reference = (rows(side, name, names) for side in sides)
    alike = step.shape == reference.shape  # otherwise their lengths differ
    cosines = np.minimum(1.0, (step * reference).sum(axis=1)) if alike else np.zeros(len(names))
    lowest, median = (float(of(cosines)) if names else 0.0 for of in (np.min, np.median))
    return EncoderParity(
        name=name,
        what=what,
        computed=computed,
        images=len(names),
        lowest=lowest,
        median=median,
        floor=floor_of(computed),
        unlike=float(np.median(every_two(reference))) if len(names) > 1 else 1.0,
        worst=named(pictures, names[int(cosines.argmin())]) if names else "none: no image has a vector on both sides",
    )


def _pairs(config: Config, step: Side, reference: Side) -> Pairs:
    roles = config.search.blind, config.search.reference
    names = with_vectors((step, reference), roles)
    blind, seeing = (Role(rows(reference, role, names), rows(step, role, names)) for role in roles)
    return pairs_of(blind, seeing, config.filter)
