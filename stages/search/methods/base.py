"""Method: names, in one tile, every pair that may reach the floor.

It may name too many, never too few (`ivf` alone may miss some, and says so): float64 judges each one
afterwards (tile.py). To add one: a class like those beside this file, a line in choice.py, its name in
SearchSettings.method.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stages.search.settings import SearchSettings
from stages.search.side import Side

Places = tuple[NDArray[np.int64], NDArray[np.int64]]  # images of the left side, images of the right side


class Method(Protocol):
    """One way to search; instances live on a worker and may hold a GPU."""

    def near(self, left: Side, right: Side, settings: SearchSettings) -> Iterator[Places]:
        """Pairs (i, j) that may have a blind cosine >= `settings.min_cosine`, each at most once, in any order.

        On the diagonal (`left is right`) pairs with i >= j may be among them and are passed over.
        """
        ...
