"""Vectors as CLIP makes them, drawn: for benchmarks, so that they need no images.

Two images of no kinship have a cosine of about 0.5 (all lie about one mean direction), two of one class
about 0.7, and what is left is spread over the directions by a power law, strength ~ 1 / rank: so 31
directions and the mean hold three quarters of the squared length. Two in a hundred are planted to be
near another, at a cosine from 0.93 to 0.99.

    python -m tests.benchmarks.vectors [--run RUN]     says how drawn ones, or those of a run, are spread
"""

from __future__ import annotations

import argparse

import numpy as np

MEAN, CLASS, OWN = 0.5, 0.2, 0.3  # shares of the squared length
PER_CLASS, PLANTED = 50, 0.02


def clip_like(count: int, dim: int = 768, seed: int = 0, power: float = 1.0) -> np.ndarray:
    """(count, dim) float32 rows of unit length, the same for the same seed; strength ~ 1 / rank ** power."""
    random = np.random.default_rng(seed)
    spread = np.sqrt(1 / np.arange(1, dim + 1) ** power)
    spread = (spread / np.linalg.norm(spread)).astype(np.float32)
    classes = random.standard_normal((max(1, count // PER_CLASS), dim), dtype=np.float32) * spread
    rows = random.standard_normal((count, dim), dtype=np.float32) * (spread * np.float32(OWN**0.5))
    rows += classes[random.integers(0, len(classes), count)] * np.float32(CLASS**0.5)
    mean = random.standard_normal(dim).astype(np.float32)
    rows += mean * np.float32(MEAN**0.5 / np.linalg.norm(mean))
    rows = _plant(_unit(rows), spread, random)
    turn = np.linalg.qr(random.standard_normal((dim, dim)))[0].astype(np.float32)  # no axis is special
    return _unit(rows @ turn)


def _plant(rows: np.ndarray, spread: np.ndarray, random: np.random.Generator) -> np.ndarray:
    chosen = random.permutation(len(rows))[: 2 * int(len(rows) * PLANTED / 2)].reshape(2, -1)
    near = random.uniform(0.93, 0.99, (chosen.shape[1], 1)).astype(np.float32)
    beside = random.standard_normal((chosen.shape[1], rows.shape[1]), dtype=np.float32) * spread
    beside -= (beside * rows[chosen[0]]).sum(1, keepdims=True) * rows[chosen[0]]
    rows[chosen[1]] = near * rows[chosen[0]] + np.sqrt(1 - near**2) * _unit(beside)
    return rows


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def of_run(run: str) -> np.ndarray:
    """The blind vectors of a finished run, every row that has one."""
    from manifests.manifest import Manifest
    from manifests.storage import Folder
    from stages.directions.stage import drawn

    folder = Folder(run)
    blind = Manifest.open(folder / "candidates").lineage.settings["search"]["blind"]
    return drawn(Manifest.open(folder / "embeddings"), blind, 1 << 30)


def _told(rows: np.ndarray) -> str:
    few = rows[np.random.default_rng(0).permutation(len(rows))[:2000]]
    cosines = (few @ few.T)[np.triu_indices(len(few), 1)]
    strength = np.linalg.eigvalsh((few.T @ few).astype(np.float64))[::-1]
    held = np.cumsum(strength) / strength.sum()
    quantiles = ", ".join(f"{q:g}: {np.quantile(cosines, q):.3f}" for q in (0.01, 0.5, 0.99, 0.999))
    shares = ", ".join(f"{k}: {held[k - 1]:.3f}" for k in (1, 16, 32, 64, 128) if k <= len(held))
    return f"{rows.shape}: cosine quantiles {quantiles}; squared length held by the first directions {shares}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", help="a finished run's folder; default: drawn vectors")
    asked = parser.parse_args()
    print(_told(of_run(asked.run) if asked.run else clip_like(20_000)))
