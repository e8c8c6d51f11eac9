"""The fused kernel, without a GPU: run by Triton's interpreter, and compiled for GPUs that are not there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from world.processes import said

from stages.search.methods.exact_gpu import half_slack
from stages.vectors.sketch import in_half

INTERPRETED = """
import json, sys
import numpy as np
from stages.search.methods.exact_gpu import ExactGpu
from stages.search.settings import SearchSettings

class Side:
    def __init__(self, sketches):
        self.sketches = sketches

def sketches(rows, numbers):
    random = np.random.default_rng(numbers)
    centres = random.standard_normal((9, numbers))
    found = centres[random.integers(0, 9, rows)] + 0.19 * np.random.default_rng(rows).standard_normal((rows, numbers))
    found[:, -1] = np.abs(found[:, -1])  # the length of what is left over
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

settings = SearchSettings(blind="a", reference="b", min_cosine=0.95)
told = {}
for name, (rows, columns, numbers, room, region) in json.loads(sys.argv[1]).items():
    left, right = Side(sketches(rows, numbers)), Side(sketches(columns, numbers))
    told[name] = []
    for one, other in ((left, right), (left, left)):
        named = [list(zip(i.tolist(), j.tolist())) for i, j in ExactGpu("cpu", room, region).near(one, other, settings)]
        told[name].append([pair for part in named for pair in part])
    np.savez(f"{sys.argv[2]}/{name}.npz", left=left.sketches, right=right.sketches)
print(json.dumps(told))
"""
COMPILED = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from stages.search.methods.kernel import BLOCK, STEP, TOGETHER, write_reaching

types = {"left": "*fp16", "right": "*fp16", "found": "*i32", "count": "*i64"}
types |= {"n": "i32", "m": "i32", "radius": "fp32", "capacity": "i32"}
fixed = {"diagonal": True, "K": 64, "STEP": STEP, "BLOCK": BLOCK, "TOGETHER": TOGETHER}
source = ASTSource(write_reaching, types | dict.fromkeys(fixed, "constexpr"), constexprs=fixed)
for capability, word in ((80, "mma.sync"), (90, "wgmma.mma")):
    made = triton.compile(source, target=GPUTarget("cuda", capability, 32))
    print(capability, word in made.asm["ptx"], len(made.asm["cubin"]) > 0)
"""


CASES = {  # rows, columns, numbers of a sketch, room for what is found, rows of a region
    "whole": (140, 260, 32, 1 << 20, 1 << 18),
    "too little room": (140, 130, 20, 100, 1 << 18),
    "many regions": (150, 70, 33, 500, 64),
    "one row": (1, 1, 8, 10, 64),
}


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[list[list[int]]]], Path]:
    """What the kernel named in each case, by one process that loads what it needs once, and where its rows lie."""
    folder = tmp_path_factory.mktemp("rows")
    return json.loads(said(INTERPRETED, json.dumps(CASES), str(folder), TRITON_INTERPRET="1")), folder


@pytest.mark.parametrize("case", CASES)
def test_every_pair_that_reaches_the_floor_is_named_once(
    interpreted: tuple[dict[str, list[list[list[int]]]], Path], case: str
) -> None:
    named, folder = interpreted
    sides = np.load(folder / f"{case}.npz")
    left, right = sides["left"].astype(float), sides["right"].astype(float)
    for pairs, product in zip(named[case], (left @ right.T, np.triu(left @ left.T, 1)), strict=True):
        reaching = set(zip(*(places.tolist() for places in np.nonzero(product >= 0.95)), strict=True))
        told = set(map(tuple, pairs))
        assert len(told) == len(pairs)
        assert reaching <= told
        assert all(product[pair] > 0.95 - 0.04 for pair in told)  # what float16 costs where one side has no rest


def test_the_kernel_compiles_for_tensor_cores() -> None:
    assert said(COMPILED).split("\n")[:2] == ["80 True True", "90 True True"]


def test_half_precision_and_its_slack_never_hide_a_pair() -> None:
    random = np.random.default_rng(3)
    for numbers in (2, 32, 128, 769):
        rows = random.standard_normal((200, numbers)) * 10.0 ** random.uniform(-6, 0, (1, numbers))
        rows = np.abs(rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        half = in_half(rows)
        one_by_one = np.zeros((200, 200), np.float32)  # the worst a sum in float32 does: one after the other
        for place in range(numbers):
            one_by_one += half[:, place, None].astype(np.float32) * half[None, :, place].astype(np.float32)
        wide = rows.astype(float)
        assert (one_by_one + half_slack(numbers) >= wide @ wide.T).all()
