"""Exact: the sketches' products bound the cosines, so no pair is missed (stages/vectors/sketch.py)."""

from __future__ import annotations

from collections.abc import Iterator

from stages.search.methods.base import Places
from stages.search.methods.pace import reaching_by
from stages.search.settings import SearchSettings
from stages.search.side import Side
from stages.vectors.cosine import slack


class Exact:
    """Reads only sketches; on a CPU."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    def near(self, left: Side, right: Side, settings: SearchSettings) -> Iterator[Places]:
        """See Method.near. The radius is below the floor by the possible float32 error of one inner product."""
        x, y = left.sketches, right.sketches
        radius = settings.min_cosine - slack(x.shape[1])
        return reaching_by(len(x) * len(y), x.shape[1], radius, self._threads)(x, y, radius, left is right)
