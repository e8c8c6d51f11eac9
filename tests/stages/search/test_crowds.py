"""Crowds: of forty thousand pictures nearly all are one of two; it ends soon, and nothing is lost among them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from world.adversaries import at_cosine, unit
from world.committed import names, sha256_of
from world.processes import PATIENCE_S, printed
from world.vectors import Cosines, cosines_in, embeddings_manifest, filtered

from manifests.counts import Counts
from manifests.manifest import Manifest
from manifests.shard import Part
from manifests.storage import Folder

CROWD, OTHERS, DIM = 20_000, 40, 32
PLANTED = 10  # pairs near for the blind encoder alone: of the white picture, of the copied one, of ordinary ones
COUNT = 2 * CROWD + OTHERS + PLANTED
RUNS_IT = """
import json, time
from manifests.manifest import Manifest
from manifests.storage import Folder
from world.vectors import made, search_of, search_reads
folder, before = sys.argv[1], peak()
sha256 = json.loads(Path(folder, "sha256.json").read_text())
reads = search_reads(Manifest.open(Folder(f"{folder}/embeddings")), folder, sha256)
made(search_of(), reads, f"{folder}/candidates")
print(int(time.process_time()), peak() - before)
"""


def varied(vector: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """So many of this vector with some of the numbers moved by their last bit, as another machine makes them."""
    rows = np.tile(vector, (count, 1))
    return np.where(random.random(rows.shape) < 0.5, np.nextafter(rows, np.float32(1)), rows)


def vectors_of(dim: int, cosine: float, random: np.random.Generator) -> np.ndarray:
    """The white pictures, the copies of one, ordinary ones, and one at this cosine for each of PLANTED of them."""
    white, picture, *others = unit(random.normal(size=(2 + OTHERS, dim)))
    planted = [at_cosine(vector, cosine, random) for vector in (white, picture, *others[: PLANTED - 2])]
    return np.concatenate([np.tile(white, (CROWD, 1)), varied(picture, CROWD, random), others, planted])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str]], list[int]]:
    """The run's folder, the ids of the planted pairs, seconds and MiB. White files are of other bytes each."""
    folder, random = tmp_path_factory.mktemp("crowds"), np.random.default_rng(40)
    vectors = {"blind": vectors_of(DIM, 0.97, random), "reference": vectors_of(8, 0.1, random)}
    bytes_of = [CROWD if CROWD <= place < 2 * CROWD else place for place in range(COUNT)]
    order, ids = random.permutation(COUNT), np.array(names(COUNT))
    id_of = dict(zip(order.tolist(), ids.tolist(), strict=True))
    shuffled = {encoder: rows[order] for encoder, rows in vectors.items()}
    shard_rows = [10_000] * 4 + [COUNT - 40_000]
    embeddings_manifest(folder / "embeddings", ids.tolist(), shuffled, shard_rows=shard_rows)
    (folder / "sha256.json").write_text(json.dumps([sha256_of(bytes_of[place]) for place in order]))
    crowds = (range(CROWD), range(CROWD, 2 * CROWD))
    stand = [*(min(id_of[place] for place in crowd) for crowd in crowds)]
    firsts = [*stand, *(id_of[2 * CROWD + place] for place in range(PLANTED - 2))]
    planted = [id_of[2 * CROWD + OTHERS + place] for place in range(PLANTED)]
    return folder, list(zip(firsts, planted, strict=True)), printed(RUNS_IT, str(folder))


def opened(folder: Path, step: str) -> Manifest:
    return Manifest.open(Folder(f"{folder}/{step}"))


def found_in(folder: Path) -> Cosines:
    manifest = opened(folder, "candidates")
    return cosines_in([Part(manifest.read(shard.name), shard.counts) for shard in manifest.shards])


def test_it_ends_and_takes_little_memory(run: tuple[Path, list[tuple[str, str]], list[int]]) -> None:
    seconds, mib = run[2]
    assert seconds < PATIENCE_S  # of a processor
    assert mib < 250


def test_every_planted_pair_is_found_between_the_images_that_stand_for_the_crowds(run) -> None:
    assert set(found_in(run[0])) == {tuple(sorted(pair)) for pair in run[1]}


def test_every_copy_and_every_comparison_is_counted(run) -> None:
    copies = {"same_bytes": CROWD - 1, "same_vectors": CROWD - 1}
    standing = COUNT - 2 * (CROWD - 1)
    assert opened(run[0], "copies").counts == Counts(COUNT, standing, copies)
    pairs, compared = COUNT * (COUNT - 1) // 2, standing * (standing - 1) // 2
    told = {"blind_cosine_below_floor": compared - PLANTED, "image_is_a_copy": pairs - compared}
    assert opened(run[0], "candidates").counts == Counts(pairs, PLANTED, told)


def test_the_pairs_say_how_many_copies_their_images_have(run) -> None:
    folder, planted, _ = run
    part = filtered(opened(folder, "candidates"), opened(folder, "copies"))
    crowded = {name: CROWD - 1 for name, _ in planted[:2]}
    assert part.counts == Counts(PLANTED, PLANTED)
    for pair in part.table.to_pylist():
        assert pair["left_copies"] == crowded.get(pair["left_id"], 0)
        assert pair["right_copies"] == crowded.get(pair["right_id"], 0)
