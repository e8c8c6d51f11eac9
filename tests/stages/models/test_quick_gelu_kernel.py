"""The kernel for QuickGELU, without a GPU: run by Triton's interpreter, and compiled for GPUs that are not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from world.processes import said

INTERPRETED = """
import sys
import torch
from stages.models.encoders.device import Device
from stages.models.encoders.quick_gelu import _try
from stages.models.encoders.quick_gelu_kernel import quick_gelu

dice = torch.Generator().manual_seed(3)
high = torch.arange(-32768, 32768)
low = torch.randint(0, 65536, high.shape, generator=dice)
given = {kind: high.to(torch.int16).view(kind) for kind in (torch.float16, torch.bfloat16)}
given[torch.float32] = (high * 65536 + low).to(torch.int32).view(torch.float32)
for kind, x in given.items():
    _try(quick_gelu, Device(torch.device("cpu"), kind))
    table, made = x.reshape(256, 256), quick_gelu(x).reshape(256, 256)
    for odd in (lambda all: all.t(), lambda all: all[:, 1::3]):
        torch.testing.assert_close(quick_gelu(odd(table)), odd(made), rtol=0, atol=0, equal_nan=True)
torch.save([(x, quick_gelu(x)) for x in given.values()], sys.argv[1])
"""
COMPILED = """
import json
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from stages.models.encoders.quick_gelu_kernel import BLOCK, write_quick_gelu

assert write_quick_gelu.params[2].annotation_type == "i64"
found = {}
for kind, capability in (("fp16", 70), ("fp16", 80), ("bf16", 80), ("fp32", 80), ("fp16", 90), ("bf16", 90)):
    types = {"given": "*" + kind, "made": "*" + kind, "n": "i64", "BLOCK": "constexpr"}
    by_16 = {(place,): [["tt.divisibility", 16]] for place in range(3)}
    source = ASTSource(write_quick_gelu, types, constexprs={"BLOCK": BLOCK}, attrs=by_16)
    made = triton.compile(source, target=GPUTarget("cuda", capability, 32))
    ptx = made.asm["ptx"]
    wide = ptx.count("ld.global.v4.b32"), ptx.count("st.global.v4.b32")
    assert wide == (ptx.count("ld.global"), ptx.count("st.global"))
    assert len(made.asm["cubin"])
    assert all("xi64>" in line for line in made.asm["ttir"].splitlines() if "tt.addptr" in line)
    found[f"{kind} {capability}"] = wide[0], "cvt.rn" in ptx
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[torch.dtype, tuple[torch.Tensor, torch.Tensor]]:
    """Type -> numbers from all over it, and what the kernel made of them."""
    path = tmp_path_factory.mktemp("interpreted") / "numbers.pt"
    said(INTERPRETED, str(path), TRITON_INTERPRET="1")
    return {x.dtype: (x, made) for x, made in torch.load(path)}


def in_torch(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(1.702 * x)


# of a number, relative to it: float16 is rounded once; the interpreter cuts bfloat16 off where a GPU rounds it; of
# float32 the exponent's own rounding counts, which grows with it
ROUNDINGS: dict[torch.dtype, Callable[[torch.Tensor], torch.Tensor]] = {
    torch.float16: lambda x: 1.001 * 2.0**-11 + 0 * x,
    torch.bfloat16: lambda x: 1.001 * 2.0**-7 + 0 * x,
    torch.float32: lambda x: 2.0**-24 * (4 + 2 * (1.702 * x).abs().clamp(max=100)),
}
LEAST = {torch.float16: 1.001 * 2.0**-25, torch.bfloat16: 1e-36, torch.float32: 1e-36}


@pytest.mark.parametrize("kind", ROUNDINGS)
def test_every_finite_number_is_as_near_to_the_truth_as_its_type_allows(computed: Any, kind: torch.dtype) -> None:
    x, made = computed[kind]
    x, made = x[x.isfinite()].double(), made[x.isfinite()].double()
    truth = in_torch(x)
    assert len(x) > 60_000
    assert ((made - truth).abs() <= ROUNDINGS[kind](x) * truth.abs() + LEAST[kind]).all()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_in_16_bits_it_is_nearer_to_the_truth_than_torch_which_rounds_thrice(computed: Any, kind: torch.dtype) -> None:
    x, made = computed[kind]
    truth, eager = in_torch(x.double()), in_torch(x)
    normal = x.isfinite() & (truth.abs() >= torch.finfo(kind).smallest_normal)
    worst, worst_of_torch = (
        ((found.double() - truth) / truth)[normal & (found != 0)].abs().max() for found in (made, eager)
    )
    assert worst < worst_of_torch / 2


@pytest.mark.parametrize("kind", ROUNDINGS)
def test_what_is_not_finite_stays_visible_as_in_torch(computed: Any, kind: torch.dtype) -> None:
    x, made = computed[kind]
    assert torch.equal(made.isnan(), in_torch(x).isnan())
    assert torch.equal(made.isinf(), x == torch.inf)
    assert made[x == -torch.inf].isnan().all()


def test_it_compiles_for_gpus_reads_and_writes_16_bytes_counts_in_64_bits_and_rounds_to_nearest() -> None:
    found = json.loads(said(COMPILED))
    once, twice = [1, True], [2, False]  # 8 numbers a thread; those of 32 bits are not rounded
    assert found == {
        **dict.fromkeys(("fp16 70", "fp16 80", "bf16 80", "fp16 90", "bf16 90"), once),
        "fp32 80": twice,
    }
