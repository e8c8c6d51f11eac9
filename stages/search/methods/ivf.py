"""IVF: FAISS searches only the cells nearest to each image. It may miss pairs: `blindpairs audit` says how many.

The cells are trained on the right side of each tile, by FAISS's own k-means with its fixed seed.
"""

from __future__ import annotations

from collections.abc import Iterator

from stages.base import Machine
from stages.search.methods.base import Places
from stages.search.methods.flat import searched
from stages.search.settings import SearchSettings
from stages.search.side import Side
from stages.vectors.cosine import of_unit_length

A_CELL = 39  # vectors to train one cell on, as FAISS advises


class Ivf:
    """IndexIVFFlat over the full vectors; on a GPU if the worker has one."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def near(self, left: Side, right: Side, settings: SearchSettings) -> Iterator[Places]:
        """See Method.near, except that some pairs may be missed."""
        import faiss

        faiss.omp_set_num_threads(self._machine.threads)
        there = of_unit_length(right.vectors(settings.blind))
        cells = cell_count(len(there))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(there.shape[1]), there.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
        index.train(there)
        index.add(there)
        index.nprobe = min(settings.ivf_probes, cells)
        asked = there if left is right else of_unit_length(left.vectors(settings.blind))
        return searched(index, asked, there, settings.min_cosine, self._machine)


def cell_count(vectors: int) -> int:
    """Return 4 sqrt(n) cells, as FAISS's guidelines recommend, but no more than can be trained."""
    return max(1, min(vectors // A_CELL, int(4 * vectors**0.5)))
