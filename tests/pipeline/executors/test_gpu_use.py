"""GPU use, by a library that stands in for NVIDIA's: there is no GPU where most tests run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from world.processes import until

from pipeline.executors import gpu_use
from pipeline.executors.gpu_use import GpuUse


class Broken(Exception):
    """What the library raises."""


class Nvml:
    """Two GPUs and a slice of one, of which nothing can be told; each look says the next number."""

    NVMLError = Broken

    def __init__(self, *uses: float) -> None:
        self.uses = {"first": list(uses), "second": [10.0] * 1000}
        self.looks = 0

    def nvmlInit(self) -> None:
        return

    def nvmlDeviceGetHandleByIndex(self, number: int) -> str:
        return ("first", "second")[number]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        if uuid not in ("GPU-1", "MIG-1"):
            raise Broken
        return {"GPU-1": "first", "MIG-1": "slice"}[uuid]

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> SimpleNamespace:
        self.looks += 1
        if handle == "slice":
            raise Broken
        left = self.uses[handle]
        return SimpleNamespace(gpu=left.pop(0) if len(left) > 1 else left[0])


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    gpu_use._nvml.cache_clear()
    yield
    gpu_use._nvml.cache_clear()


def begun(monkeypatch: pytest.MonkeyPatch, nvml: Nvml) -> Nvml:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return nvml


def test_it_is_the_mean_of_what_was_seen_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = begun(monkeypatch, Nvml(100, 50, 0, 50))
    with GpuUse(["0"], every_s=0.01) as use:
        until(lambda: nvml.looks >= 20)
    assert use.percent == pytest.approx(50, abs=5)


def test_several_gpus_count_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    begun(monkeypatch, Nvml(90))
    with GpuUse(["GPU-1", "1"]) as use:
        pass
    assert use.percent == 50


def test_a_short_task_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = begun(monkeypatch, Nvml(40))
    with GpuUse(["0"]) as use:
        pass
    assert (use.percent, nvml.looks) == (40, 1)


@pytest.mark.parametrize("gpus", [[], ["MIG-1"], ["GPU-unknown"]])
def test_where_nothing_can_be_told_there_is_none(monkeypatch: pytest.MonkeyPatch, gpus: list[str]) -> None:
    begun(monkeypatch, Nvml(40))
    with GpuUse(gpus) as use:
        pass
    assert use.percent is None


def test_without_a_driver_or_the_library_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = begun(monkeypatch, Nvml(40))
    monkeypatch.setattr(nvml, "nvmlInit", _raising)
    with GpuUse(["0"]) as use:
        pass
    assert use.percent is None
    gpu_use._nvml.cache_clear()
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with GpuUse(["0"]) as use:
        pass
    assert use.percent is None


def test_the_true_library_has_all_that_is_asked_of_it() -> None:
    asked = [name for name in vars(Nvml) if not name.startswith("_")]
    script = f"import pynvml; print([name for name in {asked!r} if not hasattr(pynvml, name)])"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def _raising() -> None:
    raise Broken
