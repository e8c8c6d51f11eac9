"""Structure: the built-in reference encoder, of edges and the layout of light and color. It sees what `colour` cannot.

Three opponent channels (light, red-green, blue-yellow) of a small square copy of the image give two kinds of
features: signed oriented gradients on a grid (after Dalal and Triggs 2005) and the centered coarse layout. What all
cells in a row of the grid have in common (sky above ground) is damped: nearly every image has it, so it hardly
distinguishes images.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 96  # pixels of the square copy
GRID = 12  # cells per side, for the gradients
LAYOUT = 16  # cells per side, for the layout
DIRECTIONS = 8
ROW_SHARE = 0.35  # share of a row's mean that is kept
NOISE = 0.012  # gradients below this are JPEG noise, not edges (1 is black to white)
CONSTANT = 0.02  # a uniform image has no edges and no layout: this keeps its vector from being zero
OPPONENT = np.array([[0.299, 0.587, 0.114], [0.7, -0.7, 0.0], [-0.4, -0.4, 0.8]], dtype=np.float32) / 255

Array = npt.NDArray[np.float32]


class Structure:
    """Images in, gradients and layout of three opponent channels out."""

    preparation, batched, computed = "structure", False, "NumPy on CPU"

    dim: int = 3 * (GRID * GRID * DIRECTIONS + LAYOUT * LAYOUT) + 1

    def prepare(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """Resize the image to a square, ignoring its aspect ratio: (96, 96, 3) uint8."""
        square = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
        return np.asarray(square, dtype=np.uint8)

    def encode(self, batch: Sequence[npt.NDArray[np.uint8]]) -> Array:
        """Encode prepared images to vectors: (n, dim) float32, never zero."""
        rows = [_vector(square) for square in batch]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dim)


def _vector(square: npt.NDArray[np.uint8]) -> Array:
    channels = _opponents(square)
    gradients = _unit(_row_damped(np.sqrt(_gradients(channels))), floor=0.5)
    layout = _unit(_row_damped(_layout(channels)), floor=0.5)
    return np.concatenate([gradients, layout, np.array([CONSTANT], np.float32)])


def _opponents(square: npt.NDArray[np.uint8]) -> Array:
    """Convert (96, 96, 3) uint8 to light, red-green, blue-yellow: (3, 96, 96)."""
    red, green, blue = np.moveaxis(square.astype(np.float32), 2, 0)
    return np.stack([r * red + g * green + b * blue for r, g, b in OPPONENT])


def _gradients(channels: Array) -> Array:
    """Compute the edge strength of each direction in each cell: (3 * 8, 12, 12), none negative."""
    down = np.zeros_like(channels)
    right = np.zeros_like(channels)
    down[:, 1:-1] = channels[:, 2:] - channels[:, :-2]
    right[:, :, 1:-1] = channels[:, :, 2:] - channels[:, :, :-2]
    strength = np.sqrt(down * down + right * right)
    kept = np.maximum(strength - NOISE, 0) / np.maximum(strength, NOISE)
    angles = np.arange(DIRECTIONS, dtype=np.float32) * np.float32(2 * np.pi / DIRECTIONS)
    maps = [_tuned(right, down, strength, angle) * kept for angle in angles]
    return _pooled(np.concatenate(maps), GRID)


def _tuned(right: Array, down: Array, strength: Array, angle: np.float32) -> Array:
    """Compute the part of each gradient along the angle, its strength times the squared cosine; 0 if it points away."""
    along = np.maximum(right * np.cos(angle) + down * np.sin(angle), 0)
    shares: Array = along * along / np.maximum(strength, NOISE)
    return shares


def _layout(channels: Array) -> Array:
    """Compute a coarse version of each channel, minus its mean: (3, 16, 16)."""
    coarse = _pooled(channels, LAYOUT)
    centred: Array = coarse - coarse.mean(axis=(1, 2), keepdims=True)
    return centred


def _pooled(maps: Array, cells: int) -> Array:
    """Average each cell: (n, 96, 96) to (n, cells, cells)."""
    width = SIDE // cells
    means: Array = maps.reshape(len(maps), cells, width, cells, width).mean(axis=(2, 4))
    return means


def _row_damped(maps: Array) -> Array:
    damped: Array = maps - (1 - ROW_SHARE) * maps.mean(axis=2, keepdims=True)
    return damped


def _unit(maps: Array, floor: float) -> Array:
    """Flatten and scale to unit length; faint maps stay shorter, so that noise is never amplified to structure."""
    flat = maps.ravel()
    unit: Array = flat / np.sqrt((flat * flat).sum() + floor * floor)
    return unit
