"""Allocation: keep a library from allocating more numbers for a checkpoint than the checkpoint's weights account for.

A library builds the model from the configuration, and only then compares it with the weights. If a configuration
describes too large a model, loading is stopped before the tensor that exceeds the limit is allocated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from stages.models.encoders.weights import Weights

# weights have 2 or 4 bytes each, so a model may have 4 to 8 times as many numbers as its weights: some libraries make a
# tensor twice, and a checkpoint of one tower may leave out the other
NUMBERS_PER_BYTE = 2
BESIDE = 1 << 24  # numbers that are not weights, such as masks: 64 MiB
CONSTRUCTORS = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.arange, torch.linspace)


class Allocation(TorchFunctionMode):
    """A context that counts the numbers in the tensors that this thread creates for a model of these weights.

    Raises ValueError, before the tensor is created, if they are more than the weights account for.
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
