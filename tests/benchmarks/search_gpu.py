"""The join on a GPU, beside what a user would pick there: `make bench-search-gpu`. Says what it skipped.

Seconds from sketches on the card to places named, as a share of the card's own matrix rate (measured here,
8192 x 8192 in float16); then, on the same vectors, plain torch tiles in float16, FAISS's flat k-NN on the GPU, its
range_search_gpu (k-NN there, and a range search on the CPU for rows with more neighbours than k), and FaSTED
(arXiv 2508.21230, github.com/bwcurless/FaSTED) where it was built: give the command that runs it on a file of
float32 vectors, with {file}, {rows}, {dim} and {radius} where they belong.

    python -m tests.benchmarks.search_gpu [--rows 1000000] [--length 63] [--fasted "FaSTED {file} {radius}"]
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.vectors import clip_like

FLOOR, DIM = 0.95, 768
TILE = 16384  # rows and columns of a plain tile
NEIGHBOURS = 32  # asked of FAISS for a row


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--length", type=int, default=63)
    parser.add_argument("--fasted")
    parser.add_argument("--out", type=Path, default=Path("bench-search/search-gpu.json"))
    asked = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("skipped: exact, torch tiles, faiss k-NN, faiss range, FaSTED - this machine has no GPU")
        return
    rows = clip_like(asked.rows)
    rate = _matrix_rate(torch)
    print(f"{torch.cuda.get_device_name()}: {rate / 1e12:.0f} TFLOP/s measured, float16 in, float32 sums")
    ways: dict[str, Callable[[], tuple[float, int, float]]] = {
        "exact": lambda: _exact(torch, rows, asked.length),
        "torch tiles": lambda: _torch_tiles(torch, rows),
        "faiss k-NN": lambda: _faiss(rows, _on_gpu(rows)),
        "faiss range": lambda: _faiss_range(rows, _on_gpu(rows)),
    }
    if asked.fasted:
        ways["FaSTED"] = lambda: _fasted(asked.fasted, rows)
    else:
        print("skipped: FaSTED - no --fasted command given")
    results = {}
    for name, way in ways.items():
        seconds, named, operations = way()
        results[name] = {"seconds": seconds, "named": named, "share_of_rate": operations / seconds / rate}
        ratio = seconds / results["exact"]["seconds"]
        share = f"{operations / seconds / rate:.0%} of rate"
        print(f"{name:<12} {seconds:>8.3f} s  {named:>10,} named  {share}  {ratio:.1f} x exact")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    told = {"gpu": torch.cuda.get_device_name(), "rows": asked.rows, "rate": rate, "results": results}
    asked.out.write_text(json.dumps(told, indent=1))


def _exact(torch, rows: np.ndarray, length: int) -> tuple[float, int, float]:
    """The kernel over all regions, after one round that compiles it; fitting and sketching are told apart."""
    from stages.directions.stage import drawn_rows, principal
    from stages.search.methods.exact_gpu import ExactGpu, half_slack
    from stages.vectors.sketch import sketched

    began = time.perf_counter()
    sketches = sketched(rows, principal(rows[drawn_rows(len(rows), 8192)])[0][:length])
    print(f"             {time.perf_counter() - began:>8.3f} s  on the CPU before: directions and sketches of {length}")
    method = ExactGpu("cuda")
    there = method.there(sketches)
    radius = FLOOR - half_slack(there.shape[1])
    list(method.regions(there[:1000], there[:1000], radius, True))
    seconds, named = _timed(torch, lambda: sum(len(i) for i, _ in method.regions(there, there, radius, True)))
    return seconds, named, len(rows) ** 2 / 2 * 2 * there.shape[1]


def _torch_tiles(torch, rows: np.ndarray) -> tuple[float, int, float]:
    there = torch.from_numpy(rows).cuda().half()

    def join() -> int:
        named = 0
        for a in range(0, len(there), TILE):
            for b in range(a, len(there), TILE):
                named += len(torch.nonzero(there[a : a + TILE] @ there[b : b + TILE].T >= FLOOR - 2e-3))
        return named

    return *_timed(torch, join), len(rows) ** 2 / 2 * 2 * DIM


def _on_gpu(rows: np.ndarray) -> Any:
    import faiss

    index = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, faiss.IndexFlatIP(DIM))
    index.add(rows)
    return index


def _faiss(rows: np.ndarray, index: Any) -> tuple[float, int, float]:
    began = time.perf_counter()
    scores = [index.search(rows[start : start + TILE], NEIGHBOURS)[0] for start in range(0, len(rows), TILE)]
    seconds = time.perf_counter() - began
    return seconds, int((np.concatenate(scores) >= FLOOR).sum() - len(rows)) // 2, len(rows) ** 2 * 2 * DIM


def _faiss_range(rows: np.ndarray, index: Any) -> tuple[float, int, float]:
    from faiss.contrib.exhaustive_search import range_search_gpu

    began, named = time.perf_counter(), 0
    for start in range(0, len(rows), TILE):
        limits, _, _ = range_search_gpu(rows[start : start + TILE], FLOOR - 1e-4, index, rows, gpu_k=NEIGHBOURS)
        named += int(limits[-1])
    return time.perf_counter() - began, (named - len(rows)) // 2, len(rows) ** 2 * 2 * DIM


def _fasted(command: str, rows: np.ndarray) -> tuple[float, int, float]:
    """As a whole process, reading its file included: what it prints is shown, its own time is there."""
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        rows.tofile(file.name)
        said = {"file": file.name, "rows": len(rows), "dim": DIM, "radius": (2 - 2 * FLOOR) ** 0.5}
        began = time.perf_counter()
        ended = subprocess.run(shlex.split(command.format(**said)), capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - began
    print(ended.stdout)
    return seconds, 0, len(rows) ** 2 * 2 * DIM


def _matrix_rate(torch, size: int = 8192, rounds: int = 20) -> float:
    one, other = (torch.randn(size, size, device="cuda", dtype=torch.float16) for _ in range(2))
    seconds, _ = _timed(torch, lambda: [one @ other for _ in range(rounds)] and 0)
    return 2 * size**3 * rounds / seconds


def _timed(torch, work: Callable[[], int]) -> tuple[float, int]:
    work()
    torch.cuda.synchronize()
    began = time.perf_counter()
    found = work()
    torch.cuda.synchronize()
    return time.perf_counter() - began, found


if __name__ == "__main__":
    main()
