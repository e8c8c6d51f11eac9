"""Preprocessings: how far apart the two ways to prepare images for one encoder are, by the reference path alone.

Images for a transformers encoder may be prepared by the library's image processor or by torchvision. Each is judged
against its own reference; here the two references are compared with one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pipeline.config.settings import Config
from pipeline.reports.parity.library_paths import Reference
from pipeline.reports.parity.pairs import Role, pairs_of
from pipeline.reports.parity.reference import by_references
from pipeline.reports.parity.result import PairsAt, PairsMoved, Picture, Preprocessings, Side
from pipeline.reports.parity.rows import named, rows, with_vectors


def preprocessings(
    config: Config, references: Mapping[str, Reference], own: Side, pictures: Sequence[Picture]
) -> Iterator[Preprocessings]:
    """Compare each encoder's other preprocessings with its own; `own`: the references' vectors of the pictures."""
    others = {
        (encoder, other): {encoder: encode}
        for encoder, reference in references.items()
        for other, encode in reference.others.items()
    }
    for (encoder, other), side in by_references(others, pictures).items():
        yield _compared(config, encoder, other, own, side, pictures)


def _compared(
    config: Config, encoder: str, other: str, own: Side, others: Side, pictures: Sequence[Picture]
) -> Preprocessings:
    names = with_vectors((own, others), [encoder])
    cosines = np.minimum(1.0, (rows(own, encoder, names) * rows(others, encoder, names)).sum(axis=1))
    return Preprocessings(
        encoder=encoder,
        own=str(getattr(config.embed.encoders[encoder], "preprocessing", "")),
        other=other,
        images=len(names),
        lowest=float(cosines.min(initial=1.0)),
        median=float(np.median(cosines)) if names else 1.0,
        worst=named(pictures, names[int(cosines.argmin())]) if names else "none",
        pairs=tuple(_moved(config, encoder, own, others)),
    )


def _moved(config: Config, encoder: str, own: Side, others: Side) -> Iterator[PairsMoved]:
    roles = config.search.blind, config.search.reference
    if encoder not in roles:
        return
    names = sorted({*with_vectors((own,), roles)} & {*with_vectors((others,), [encoder])})
    blind, seeing = (
        Role(rows(own, role, names), rows(others if role == encoder else own, role, names)) for role in roles
    )
    for at in pairs_of(blind, seeing, config.filter).at:
        yield _renamed(at)


def _renamed(at: PairsAt) -> PairsMoved:
    return PairsMoved(at.blind_min, at.reference_max, at.by_reference, at.by_step, at.lost, at.gained)
