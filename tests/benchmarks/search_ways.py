"""Ways to find all pairs at or above a floor: ours, and what a user would pick instead. All end in float64.

Each takes (n, dim) float32 rows of unit length, the floor, and how hard to look (`effort`, for the ways
that may miss some), and returns pairs (k, 2) with i < j and what it was set to. Two threads each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

THREADS = 2
Pairs = tuple[np.ndarray, str]


@dataclass(frozen=True)
class Side:
    """A tile's side in memory: what the exact method reads of it."""

    sketches: np.ndarray


def exact(rows: np.ndarray, floor: float, effort: int) -> Pairs:
    """Ours, from the rows: directions fitted, sketches made, tiles compared, survivors scored.

    With torch loaded, as in a worker that embedded before.
    """
    import torch  # noqa: F401

    from stages.directions.length import fitting_length
    from stages.directions.stage import drawn_rows, principal
    from stages.search.methods.exact import Exact
    from stages.search.settings import SearchSettings
    from stages.search.tiles import block_rows
    from stages.vectors.sketch import sketched
    from stages.vectors.threads import limit_products

    limit_products(THREADS)
    draw = rows[drawn_rows(len(rows), 8192)]
    directions = principal(draw)[0]
    length = fitting_length(draw, directions, floor)
    limit_products(1)
    settings, step = SearchSettings(blind="b", reference="r", min_cosine=floor), block_rows(len(rows), 65536)
    starts = range(0, len(rows), step)

    def tile(place: tuple[int, int]) -> np.ndarray:
        left, right = (sides[start // step] for start in place)
        found = [np.stack(pair, axis=1) + np.array(place) for pair in Exact(threads=1).near(left, right, settings)]
        return scored(rows, np.concatenate(found) if found else np.zeros((0, 2), np.int64), floor)

    with ThreadPoolExecutor(THREADS) as pool:
        sides = list(pool.map(lambda start: Side(sketched(rows[start : start + step], directions[:length])), starts))
        tiles = [(a, b) for a in starts for b in starts if a <= b]
        found = np.concatenate(list(pool.map(tile, tiles)) or [np.zeros((0, 2), np.int64)])
    return found, f"{length} directions"


def scored(rows: np.ndarray, pairs: np.ndarray, floor: float) -> np.ndarray:
    """Those of the pairs i < j whose cosine in float64 reaches the floor."""
    from stages.vectors.cosine import cosines

    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    return pairs[cosines(rows, rows, pairs[:, 0], pairs[:, 1]) >= floor]


def torch_tiles(rows: np.ndarray, floor: float, effort: int) -> Pairs:
    """Plain tiles of the whole vectors with torch, the upper triangle."""
    import torch

    torch.set_num_threads(THREADS)
    there, step, found = torch.from_numpy(rows), 4096, [np.zeros((0, 2), np.int64)]
    for a in range(0, len(rows), step):
        for b in range(a, len(rows), step):
            near = torch.nonzero(there[a : a + step] @ there[b : b + step].T >= floor - 1e-4).numpy()
            found.append(near + np.array([a, b]))
    return scored(rows, np.concatenate(found), floor), "4096 x 4096"


def flat(rows: np.ndarray, floor: float, effort: int) -> Pairs:
    """FAISS IndexFlatIP.range_search, all rows at once."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return scored(rows, _ranged(index, rows, floor), floor), ""


def panorama(rows: np.ndarray, floor: float, effort: int) -> Pairs:
    """FAISS IndexFlatIPPanorama.range_search, `effort` levels, of rows turned so that strong directions come first."""
    import faiss

    from stages.directions.stage import drawn_rows, principal

    faiss.omp_set_num_threads(THREADS)
    turned = rows @ principal(rows[drawn_rows(len(rows), 8192)])[0].T.astype(np.float32)
    index = faiss.IndexFlatIPPanorama(rows.shape[1], effort, 1024)
    index.add(turned)
    return scored(rows, _ranged(index, turned, floor), floor), f"{effort} levels, principal directions"


def ivf(rows: np.ndarray, floor: float, effort: int) -> Pairs:
    """FAISS IndexIVFFlat.range_search, `effort` cells looked into for each row."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    cells = int(4 * len(rows) ** 0.5)
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(rows.shape[1]), rows.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
    index.train(rows[np.random.default_rng(0).permutation(len(rows))[: 64 * cells]])
    index.add(rows)
    index.nprobe = effort
    return scored(rows, _ranged(index, rows, floor), floor), f"{cells} cells, {effort} probes"


def hnsw(rows: np.ndarray, floor: float, effort: int) -> Pairs:
    """FAISS HNSW, 32 links: k nearest neighbours of each row, for it has no range to rely on."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexHNSWFlat(rows.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = 80, effort
    index.add(rows)
    found = index.search(rows, 16)[1]
    pairs = np.stack([np.repeat(np.arange(len(rows)), found.shape[1]), found.ravel()], axis=1)
    pairs = np.unique(np.sort(pairs[pairs[:, 1] >= 0], axis=1), axis=0)
    return scored(rows, pairs, floor), f"M 32, efSearch {effort}, k 16"


def _ranged(index, rows: np.ndarray, floor: float) -> np.ndarray:
    limits, _, found = index.range_search(rows, floor - 1e-4)
    return np.stack([np.repeat(np.arange(len(rows)), np.diff(limits.astype(np.int64))), found], axis=1)


WAYS: dict[str, Callable[[np.ndarray, float, int], Pairs]] = {
    "exact": exact,
    "torch tiles": torch_tiles,
    "faiss flat": flat,
    "faiss panorama": panorama,
    "faiss ivf": ivf,
    "faiss hnsw": hnsw,
}
