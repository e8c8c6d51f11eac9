"""Allocation: a library makes no more numbers while it loads a checkpoint than the checkpoint's weights account for.

It builds a model as the configuration says, and only then compares it with the weights. A configuration that asks for
more is stopped before the tensor that would be too much is allocated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from stages.models.encoders.weights import Weights

# weights have 2 or 4 bytes each, so a model may be 4 to 8 times what its weights are: some make a tensor twice, and
# a checkpoint of one tower may leave out the other
NUMBERS_PER_BYTE = 2
BESIDE = 1 << 24  # numbers that are no weights, such as masks: 64 MiB
CONSTRUCTORS = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.arange, torch.linspace)


class Allocation(TorchFunctionMode):
    """While it is entered, counts the numbers of the tensors that this thread makes for a model of these weights.

    Raises ValueError, before the tensor is made, when they are more than the weights account for.
    """

    def __init__(self, found: Weights) -> None:
        super().__init__()
        self._bytes, self._made = found.bytes, 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in CONSTRUCTORS:
            self._made += func(*args, **{**kwargs, "device": "meta"}).numel()
            self._check()
        return func(*args, **kwargs)

    def _check(self) -> None:
        most = NUMBERS_PER_BYTE * self._bytes + BESIDE
        if self._made > most:
            raise ValueError(
                f"its configuration describes more than {most:,} numbers, and its weights have {self._bytes:,} bytes; "
                "correct it, or fetch the checkpoint again"
            )
