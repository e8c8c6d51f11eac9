"""Exact: the sketches' products bound the cosines, so that none is missed (stages/vectors/sketch.py)."""

from __future__ import annotations

from collections.abc import Iterator

from stages.search.methods.base import Places
from stages.search.methods.products import reaching
from stages.search.settings import SearchSettings
from stages.search.side import Side
from stages.vectors.cosine import slack


class Exact:
    """Reads sketches alone; on a CPU."""

    def near(self, left: Side, right: Side, settings: SearchSettings) -> Iterator[Places]:
        """See Method.near. The radius lies below the floor by what float32 may err in one product."""
        length = left.sketches.shape[1]
        return reaching(left.sketches, right.sketches, settings.min_cosine - slack(length), left is right)
