"""Color: the built-in blind encoder: which colors an image has and how much of each, never where they are.

The vector is a soft-binned joint histogram in CIELAB, square-rooted, so that the cosine of two vectors is the
Bhattacharyya coefficient of their colors (Bhattacharyya 1943). Pixels are counted as integers, so moving them changes
nothing in images of up to a million pixels; a larger image is shrunk first.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

CELLS_PER_CHANNEL = 32  # 8 gray levels per cell: finer than the CIELAB bins, coarse enough to count fast
CELLS = CELLS_PER_CHANNEL**3
MAX_PIXELS = 1 << 20  # above this, an image is shrunk by an integer factor before its pixels are counted
LIGHTNESS_NODES = np.arange(0.0, 101.0, 12.5)
CHROMA_NODES = np.arange(-120.0, 121.0, 15.0)
SRGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE_D65 = np.array([0.95047, 1.0, 1.08883])


class Colour:
    """Turns images into the square roots of their color histograms. Every row has unit length."""

    preparation, batched, computed = "colour", False, "NumPy on CPU"

    def __init__(self) -> None:
        bins, self._weights = _bins_of_cells()
        reachable, compact = np.unique(bins, return_inverse=True)
        self._bins = compact.reshape(bins.shape)
        self.dim: int = len(reachable)

    def prepare(self, image: Image.Image) -> npt.NDArray[np.int32]:
        """Count the pixels of the image in each cell of the RGB cube: (32768,) int32."""
        pixels = np.asarray(_shrunk(image.convert("RGB"))).reshape(-1, 3).astype(np.int32) >> 3
        cells = (pixels[:, 0] << 10) | (pixels[:, 1] << 5) | pixels[:, 2]
        return np.bincount(cells, minlength=CELLS).astype(np.int32)

    def encode(self, batch: Sequence[npt.NDArray[np.int32]]) -> npt.NDArray[np.float32]:
        """Encode prepared images to vectors: (n, dim) float32, none negative, each of unit length."""
        rows = [self._histogram(counts) for counts in batch]
        return np.sqrt(np.array(rows).reshape(len(rows), self.dim)).astype(np.float32)

    def _histogram(self, counts: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        present = np.flatnonzero(counts)
        shares = counts[present] / counts.sum()
        mass = self._weights[present] * shares[:, None]
        bins = self._bins[present].ravel()
        return np.bincount(bins, weights=mass.ravel(), minlength=self.dim).astype(np.float64)


def _shrunk(image: Image.Image) -> Image.Image:
    factor = int(np.ceil(np.sqrt(image.width * image.height / MAX_PIXELS)))
    return image.reduce((min(factor, image.width), min(factor, image.height))) if factor > 1 else image


def _bins_of_cells() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the 8 CIELAB bins around each RGB cell and the cell's share in each: (32768, 8), (32768, 8)."""
    lab = _lab(_cell_centres())
    low_l, up_l = _between(lab[:, 0], LIGHTNESS_NODES)
    low_a, up_a = _between(lab[:, 1], CHROMA_NODES)
    low_b, up_b = _between(lab[:, 2], CHROMA_NODES)
    bins, weights = [], []
    for corner in np.ndindex(2, 2, 2):
        index = (low_l + corner[0]) * len(CHROMA_NODES) + low_a + corner[1]
        bins.append(index * len(CHROMA_NODES) + low_b + corner[2])
        shares = (np.where(end, up, 1.0 - up) for end, up in zip(corner, (up_l, up_a, up_b), strict=True))
        weights.append(np.prod(list(shares), axis=0))
    return np.stack(bins, axis=1), np.stack(weights, axis=1)


def _between(
    values: npt.NDArray[np.float64], nodes: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the node below each value and the value's fractional distance (0 to 1) to the next node."""
    place = np.clip((values - nodes[0]) / (nodes[1] - nodes[0]), 0.0, len(nodes) - 1.001)
    low = np.floor(place).astype(np.int64)
    return low, place - low


def _cell_centres() -> npt.NDArray[np.float64]:
    """Return the sRGB color at the center of each cell: (32768, 3), 0 to 1."""
    cells = np.arange(CELLS)
    channels = np.stack([cells >> 10, (cells >> 5) & 31, cells & 31], axis=1)
    return (channels + 0.5) / CELLS_PER_CHANNEL


def _lab(srgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Convert sRGB (n, 3), 0 to 1, to CIELAB under D65 (IEC 61966-2-1, CIE 15)."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = np.stack([(linear * row).sum(axis=1) for row in SRGB_TO_XYZ], axis=1) / WHITE_D65
    curve = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = curve.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
