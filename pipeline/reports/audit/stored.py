"""Stored: the candidates the manifest holds for the drawn images, and how full an image's list of candidates is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.manifest import Manifest
from manifests.tables import CANDIDATES
from pipeline.reports.audit.compared import Compared, Ids, Places, places, texts


@dataclass(frozen=True, eq=False)  # eq: holds arrays
class Stored:
    """(c,) candidates that contain a drawn image, as they are stored.

    `left`, `right`: the places of the two images, the smaller first; -1 for an image that was not compared.
    """

    left_id: Ids
    right_id: Ids
    left: Places
    right: Places
    blind: NDArray[np.float64]
    reference: NDArray[np.float64]


def stored_pairs(candidates: Manifest, compared: Compared) -> Stored:
    """Return the candidates that contain a drawn image, in the manifest's order."""
    asked = pa.array(compared.asked.astype(str), pa.string())
    found = [CANDIDATES.columns.empty_table()]
    for batch in candidates.batches(CANDIDATES.columns.names):
        touched = pc.or_(pc.is_in(batch.column("left_id"), asked), pc.is_in(batch.column("right_id"), asked))
        found.append(pa.Table.from_batches([batch.filter(touched)]).cast(CANDIDATES.columns))
    left_id, right_id, blind, reference = pa.concat_tables(found).columns
    names = texts(left_id), texts(right_id)
    left, right = np.sort([places(compared.ids, side) for side in names], axis=0)
    return Stored(*names, left, right, blind.to_numpy(), reference.to_numpy())


def last_kept(candidates: Manifest, names: Ids, cap: int) -> NDArray[np.float64]:
    """Return each sorted name's `cap`-th least reference cosine among its candidates; inf where it has fewer.

    The search keeps the `cap` pairs of least reference cosine of either image: it may cut a pair only if this
    number is no larger than the pair's own reference cosine, for both its images.
    """
    place, reference = _ends(candidates, names)
    order = np.lexsort((reference, place))
    place, reference = place[order], reference[order]
    starts, stops = (np.searchsorted(place, np.arange(len(names)), side) for side in ("left", "right"))
    last = np.full(len(names), np.inf)
    full = stops - starts >= cap
    last[full] = reference[starts[full] + cap - 1]
    return last


def _ends(candidates: Manifest, names: Ids) -> tuple[Places, NDArray[np.float64]]:
    """Return every candidate side that is one of `names`: its place in them, and the candidate's reference cosine."""
    wanted = pa.array(names.astype(str), pa.string())
    found, references = [np.zeros(0, np.int64)], [np.zeros(0)]
    for batch in candidates.batches(("left_id", "right_id", "reference_cosine")):
        for side in ("left_id", "right_id"):
            rows = batch.filter(pc.is_in(batch.column(side), wanted))
            found.append(places(names, texts(rows.column(side))))
            references.append(rows.column("reference_cosine").to_numpy())
    return np.concatenate(found), np.concatenate(references)
