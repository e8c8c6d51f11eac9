"""Memory: a tile of look-alikes takes what its candidates take, not what its comparisons would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from world.adversaries import unit
from world.committed import names
from world.processes import printed
from world.vectors import embeddings_manifest, search_reads

COUNT, CAP = 1600, 10
SEARCHES_A_CLIQUE = """
from manifests.manifest import Manifest
from manifests.storage import Folder
from stages.base import Machine, Task
from stages.search import kept
from world.vectors import search_of
kept.MORE >>= 3  # so that a small crowd goes far beyond it
steps = ("embeddings", "sketches", "copies")
reads = {step: Manifest.open(Folder(f"{sys.argv[1]}/{step}")) for step in steps}
stage = search_of(max_per_image=10)
stage.setup(Machine())
whole = Task("one block", {"left": [0, 1600], "right": [0, 1600]})
before, seen, rows = peak(), 0, 0
for part in stage.process(whole, reads):
    seen, rows = seen + part.counts.seen, rows + part.table.num_rows
print(seen, rows, peak() - before)
"""


def test_a_block_of_near_equal_vectors_takes_little_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    near = unit(np.ones((COUNT, 16)) + 1e-3 * random.normal(size=(COUNT, 16)))
    vectors = {"blind": near, "reference": unit(random.normal(size=(COUNT, 4)))}
    search_reads(embeddings_manifest(tmp_path / "embeddings", names(COUNT), vectors), tmp_path)
    seen, rows, grown_mib = printed(SEARCHES_A_CLIQUE, str(tmp_path))
    assert seen == COUNT * (COUNT - 1) // 2
    assert COUNT * CAP // 2 <= rows <= COUNT * CAP
    assert grown_mib < 150  # all pairs held at once take 190
