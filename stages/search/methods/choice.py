"""Choice: the method that a recipe names, for the worker's device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stages.base import Machine
from stages.search.methods.base import Method
from stages.search.methods.exact import Exact
from stages.search.methods.exact_gpu import ExactGpu
from stages.search.methods.flat import Flat
from stages.search.methods.ivf import Ivf


def method_of(name: str, machine: Machine) -> Method:
    """Create the method with this name (see SearchSettings.method), on a CPU or a GPU."""
    methods: dict[str, Callable[[], Method]] = {
        "exact": partial(Exact, machine.threads) if machine.device == "cpu" else partial(ExactGpu, machine.device),
        "flat": partial(Flat, machine),
        "ivf": partial(Ivf, machine),
    }
    return methods[name]()
