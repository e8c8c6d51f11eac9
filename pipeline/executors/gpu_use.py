"""GPU use: how busy a worker's GPUs were while it made a task, as NVIDIA's driver tells it (NVML).

Loads nothing heavy; a machine without that driver has no GPU use.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from types import TracebackType
from typing import Any, Self

EVERY_S = 1.0


class GpuUse:
    """Samples a worker's GPUs each second while the block lasts.

    `gpus` are named as CUDA_VISIBLE_DEVICES names them: a number, or a UUID. `percent` is the mean, over
    samples and GPUs, of the share of the last second or less in which a kernel ran: 0 to 100. It is
    None where there are no GPUs, no driver, or where it does not say (a slice of a GPU, MIG).
    """

    def __init__(self, gpus: Sequence[str], every_s: float = EVERY_S) -> None:
        self._gpus, self._every_s = tuple(gpus), every_s
        self._handles: list[Any] = []
        self._sum, self._count = 0.0, 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._gpus and (nvml := _nvml()) is not None:
            self._handles = [handle for gpu in self._gpus if (handle := _handle(nvml, gpu)) is not None]
        if self._handles:
            self._thread = threading.Thread(target=self._keep_looking, name="gpu use", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()
            if not self._count:  # a task of less than a second
                self._look()

    @property
    def percent(self) -> float | None:
        """The mean so far."""
        return self._sum / self._count if self._count else None

    def _keep_looking(self) -> None:
        while not self._ended.wait(self._every_s):
            self._look()

    def _look(self) -> None:
        nvml = _nvml()
        for handle in self._handles:
            try:
                self._sum += float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
            except nvml.NVMLError:  # a slice of a GPU has no such number; one that fell off the bus neither
                continue
            self._count += 1


@cache
def _nvml() -> Any:
    """NVIDIA's library, begun once a process; None where its driver is not there."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _handle(nvml: Any, gpu: str) -> Any:
    try:
        return nvml.nvmlDeviceGetHandleByIndex(int(gpu)) if gpu.isdigit() else nvml.nvmlDeviceGetHandleByUUID(gpu)
    except nvml.NVMLError:
        return None
