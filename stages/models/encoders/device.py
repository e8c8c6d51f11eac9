"""Device: where torch computes, in which precision, and in which threads and streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from manifests.errors import Refused
from stages.base import Machine
from stages.models.encoders.settings import Precision

NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}
TYPES = {name: kind for kind, name in NAMES.items()}
# hardware that multiplies each dtype at full speed: a GPU's lowest compute capability, a CPU's instructions.
# float16 first: its rounding changes a vector fifty times less; numbers beyond 65,504 become infinite and are detected
ON_GPU = {"float16": (7, 0), "bfloat16": (8, 0)}
ON_CPU = {"float16": ("avx512_fp16", "amx_fp16"), "bfloat16": ("avx512_bf16", "amx_bf16", "bf16")}


@dataclass(frozen=True)
class Device:
    """Where one encoder computes.

    `batched`: images are run through the network together. A CPU computes them one by one: this is faster there (the
    caches can hold the activations of one image, not of many), and no bit of a vector depends on other images.
    """

    place: torch.device
    dtype: torch.dtype = torch.float32
    threads: int = 1
    compiled: bool = False
    batched: bool = False
    _own: threading.local = field(default_factory=threading.local, compare=False)

    @property
    def is_gpu(self) -> bool:
        return self.place.type == "cuda"

    def __str__(self) -> str:
        name = torch.cuda.get_device_name(self.place) if self.is_gpu else "CPU"
        return f"{NAMES[self.dtype]} on {name}{', compiled' if self.compiled else ''}"

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Compute without gradients, with this many threads, and on a GPU in this thread's own stream.

        In this way two threads keep a GPU busy: one's batch is copied while the other's is computed.
        """
        torch.set_num_threads(self.threads)
        with torch.inference_mode(), self._stream():
            yield

    def copied(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensor on this device; on a GPU it is copied by the stream that computes next."""
        return tensor.pin_memory().to(self.place, non_blocking=True) if self.is_gpu else tensor

    def _stream(self) -> Any:
        if not self.is_gpu:
            return nullcontext()
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream(self.place)
        return torch.cuda.stream(self._own.stream)


def device_of(machine: Machine, precision: Precision) -> Device:
    """Return the machine's device in this precision; TF32 is off: float32 means float32.

    Raises Refused if the device has no instructions for the precision: it would be thousands of times slower.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    place = torch.device(machine.device)
    fast = _fast(place)
    if precision not in ("auto", "float32", *fast):
        raise Refused(
            f"precision {precision}: this {place.type.upper()} has no instructions for it, and would be far "
            f"slower than with float32; choose auto{''.join(f', {name}' for name in fast)} or float32"
        )
    reduced = fast[0] if fast and place.type != "cpu" else "float32"
    dtype = TYPES[reduced if precision == "auto" else precision]
    return Device(place, dtype, machine.threads, machine.compile, batched=place.type != "cpu")


def device_as_trained(machine: Machine, precision: Precision) -> Device:
    """Return the device for a model with a text side, not compiled, as texts have many lengths.

    `auto` on a GPU is bfloat16 if it has it: many of these models are trained in it, and overflow in float16. Raises
    Refused as device_of does.
    """
    if precision == "auto" and machine.device != "cpu":
        with suppress(Refused):
            return replace(device_of(machine, "bfloat16"), compiled=False)
    return replace(device_of(machine, precision), compiled=False)


def _fast(place: torch.device) -> list[str]:
    """Return the 16-bit dtypes that this device has instructions for, best first."""
    if place.type == "cuda":
        capability = torch.cuda.get_device_capability(place)
        return [name for name, first in ON_GPU.items() if capability >= first]
    has: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older torch versions lack this function
    return [name for name, units in ON_CPU.items() if any(has.get(unit) for unit in units)]
