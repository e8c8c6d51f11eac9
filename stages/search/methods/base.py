"""Method: proposes, in one tile, every pair that may reach the floor.

It may propose too many pairs but never miss one (only `ivf` may miss some, and says so): each pair is then
scored in float64 (tile.py). To add a method, write a class like those beside this file, and add a line to
choice.py and its name to SearchSettings.method.
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
    """One way to search. Instances live on a worker and may hold a GPU."""

    def near(self, left: Side, right: Side, settings: SearchSettings) -> Iterator[Places]:
        """Yield pairs (i, j) that may have a blind cosine >= `settings.min_cosine`, each at most once, in any order.

        On the diagonal (`left is right`) pairs with i >= j may be included; the caller ignores them.
        """
        ...
