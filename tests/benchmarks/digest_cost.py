"""What comparing digests costs a search: `make bench-digest`.

Drawn vectors (vectors.py) go through every step from the embeddings to the candidates, from disk to disk, in
this process with one thread. Then the same steps again and again, by turns with and without digests: without,
none is taken while a shard is written and nothing that is read is compared. Prints the least and the median
seconds of both ways, as the processor counts them, and their ratio, for the search alone and for all steps. On
a busy machine that ratio says little, so it also prints the share of the seconds that the digests' own code took.

    python -m tests.benchmarks.digest_cost [--rows 30000 50000] [--rounds 11]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))
FLOOR = 0.95
WAYS = ("with", "without")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[30_000, 50_000])
    parser.add_argument("--rounds", type=int, default=11)
    asked = parser.parse_args()
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as folder:
            _compare(Path(folder), rows, asked.rounds)


def _compare(folder: Path, rows: int, rounds: int) -> None:
    from tests.benchmarks.search_steps import embedded
    from tests.benchmarks.vectors import clip_like

    embedded(folder, clip_like(rows))
    seconds: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    shares: list[dict[str, float]] = []
    _made(folder)  # what is loaded or started once
    for number in range(rounds):
        for way in WAYS if number % 2 else WAYS[::-1]:
            with _without() if way == "without" else _as_it_is():
                seconds[way].append(_made(folder))
        with _counted() as spent:
            made = _made(folder, spent)
        shares.append({step: spent[step] / made[step] for step in made} | {"all": spent.total() / sum(made.values())})
    for what, step in (("the search", "candidates"), ("all steps", "all")):
        times = {way: [one.get(step) or sum(one.values()) for one in seconds[way]] for way in WAYS}
        share = median(one[step] for one in shares)
        print(f"{rows:,} images, {what}: {_line(times)}; the digests' own code took {share:.1%}", flush=True)


def _made(folder: Path, spent: Counter[str] | None = None) -> dict[str, float]:
    """Seconds of each step between the embeddings and the candidates, which are made anew.

    `spent`: what is counted under no name meanwhile is put under the step's.
    """
    from world.vectors import made

    from pipeline.run.recipe import steps
    from tests.benchmarks.search_steps import opened, recipe

    found, seconds = opened(folder), dict[str, float]()
    for step in steps(recipe(FLOOR)):
        if step.name not in found and step.name != "pairs":
            shutil.rmtree(folder / step.name, ignore_errors=True)
            began = time.process_time()
            found[step.name] = made(step.stage, {name: found[name] for name in step.reads}, folder / step.name)
            seconds[step.name] = time.process_time() - began
            if spent is not None:
                spent[step.name] = spent.pop("", 0.0)
    return seconds


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _without() -> Iterator[None]:
    """As if there were no digests."""
    from manifests import shard
    from manifests.digests import Check

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard, "digests_of", lambda group: {})
        patch.setattr(Check, "add", lambda check, rows: None)
        yield


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Seconds in the code that takes and compares digests, under no name."""
    from manifests import footer, shard
    from manifests.digests import Check

    spent = Counter[str]()

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*words: Any) -> Any:
            began = time.thread_time()
            try:
                return work(*words)
            finally:
                spent[""] += time.thread_time() - began

        return instead

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Check, "add", timed(Check.add))
        patch.setattr(shard, "digests_of", timed(shard.digests_of))
        patch.setattr(shard, "digest_of", timed(shard.digest_of))
        patch.setattr(footer, "digest_of", timed(footer.digest_of))
        yield spent


def _line(seconds: dict[str, list[float]]) -> str:
    told = ", ".join(f"{way} {min(all_):.3f} s (median {median(all_):.3f})" for way, all_ in seconds.items())
    least, middle = (of(seconds["with"]) / of(seconds["without"]) - 1 for of in (min, median))
    return f"{told}; digests cost {least:+.1%} of the least, {middle:+.1%} of the median"


if __name__ == "__main__":
    main()
