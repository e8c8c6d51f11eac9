"""Shard: whole or absent, the same bytes for the same rows, and no changed byte is taken for data."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.committed import names
from world.processes import PATIENCE_S
from world.vectors import embeddings_manifest

from manifests.counts import Counts
from manifests.errors import Damaged, Unbalanced
from manifests.manifest import Manifest
from manifests.schema import Schema, column
from manifests.shard import Part, Receipt, read_receipt, write_shard
from manifests.storage import Folder

TESTS = Path(__file__).parents[1]
PATHS = os.pathsep.join([str(TESTS.parent), str(TESTS)])  # the project first: tests/stages is not its stages
NUMBERS = Schema("numbers", 1, ("n",), pa.schema([column("n", pa.int64(), "a number", nullable=False)]))


def part(*numbers: int) -> Part:
    return Part(pa.table({"n": pa.array(numbers, pa.int64())}), Counts(len(numbers), len(numbers)))


def test_a_receipt_says_rows_bytes_and_counts(tmp_path: Path) -> None:
    lost = Part(part().table, Counts(3, 0, {"empty": 3}))
    receipt = write_shard(Folder(str(tmp_path)), "a", NUMBERS, [part(1, 2), lost])
    size, counts = (tmp_path / "a.parquet").stat().st_size, Counts(5, 2, {"empty": 3})
    assert receipt == Receipt("a", 2, size, counts, digest=receipt.digest)


def test_the_footer_alone_gives_the_receipt_again(tmp_path: Path) -> None:
    folder, counts = Folder(str(tmp_path)), Counts(2, 0, {"größer": 2}, {"no_image": 7})
    receipt = write_shard(folder, "a", NUMBERS, [part(1, 2), Part(part().table, counts)])
    assert read_receipt(folder, "a") == receipt


def test_the_counts_lie_in_the_footer_as_json(tmp_path: Path) -> None:
    write_shard(Folder(str(tmp_path)), "a", NUMBERS, [part(1, 2)])
    footer = pq.read_metadata(tmp_path / "a.parquet").metadata
    assert json.loads(footer[b"counts"]) == {"seen": 2, "ok": 2, "rejected": {}, "aside": {}}


def test_how_it_was_computed_is_told_by_receipt_footer_and_json(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    receipt = write_shard(folder, "a", NUMBERS, [part(1, 2)], computed="bfloat16 on Card")
    assert receipt.computed == "bfloat16 on Card"
    assert read_receipt(folder, "a") == receipt == Receipt.from_json(json.loads(json.dumps(receipt.to_json())))
    assert "computed" not in write_shard(folder, "b", NUMBERS, [part(1)]).to_json()


def test_a_shard_without_rows_is_a_file_with_columns(tmp_path: Path) -> None:
    write_shard(Folder(str(tmp_path)), "a", NUMBERS, [])
    assert pq.read_table(tmp_path / "a.parquet").column_names == ["n"]


WRITES_EMBEDDINGS = """
import sys
import numpy as np
from world.committed import names
from world.vectors import embeddings_manifest
vectors = np.random.default_rng(0).normal(size=(50, 8)).astype("f4")
embeddings_manifest(sys.argv[1], names(50), {"clip": vectors, "dino": vectors[:, :5]}, rejected={3, 7})
"""


def test_the_same_parts_give_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    hashes = set()
    for seed in ("1", "2"):
        world = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": PATHS}
        subprocess.run([sys.executable, "-c", WRITES_EMBEDDINGS, str(tmp_path / seed)], env=world, check=True)
        hashes.add(hashlib.sha256((tmp_path / seed / "00000.parquet").read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_vectors_are_stored_plain_and_the_rest_compressed(tmp_path: Path) -> None:
    embeddings_manifest(tmp_path, names(9), {"clip": np.ones((9, 4), "f4")})
    group = pq.read_metadata(tmp_path / "00000.parquet").row_group(0)
    stored = {group.column(n).path_in_schema: group.column(n).compression for n in range(group.num_columns)}
    assert stored.pop("clip.list.element") == "UNCOMPRESSED"
    assert set(stored.values()) == {"ZSTD"}


def test_an_error_between_two_parts_leaves_nothing(tmp_path: Path) -> None:
    def parts() -> Iterator[Part]:
        yield part(*range(1000))
        raise RuntimeError("the source broke off")

    with pytest.raises(RuntimeError, match="the source broke off"):
        write_shard(Folder(str(tmp_path)), "a", NUMBERS, parts())
    assert not list(tmp_path.iterdir())


def test_a_part_of_another_shape_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="columns"):
        write_shard(Folder(str(tmp_path)), "a", NUMBERS, [part(1), Part(pa.table({"m": [1]}), Counts(1, 1))])
    assert not list(tmp_path.iterdir())


def test_counts_that_do_not_add_up_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unbalanced, match="3 seen, but 2 ok"):
        write_shard(Folder(str(tmp_path)), "a", NUMBERS, [Part(part(1, 2).table, Counts(3, 2))])
    assert not list(tmp_path.iterdir())


def test_a_shard_that_is_not_accepted_leaves_nothing(tmp_path: Path) -> None:
    def refuse(counts: Counts) -> None:
        raise RuntimeError(f"{counts.seen} are too few")

    with pytest.raises(RuntimeError, match="2 are too few"):
        write_shard(Folder(str(tmp_path)), "a", NUMBERS, [part(1, 2)], refuse)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    with folder.aside("probe") as path:
        path.write_bytes(b"")
        name = path.name
    (tmp_path / name.replace("probe", "a.parquet")).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_shard(folder, "a", NUMBERS, [part(*range(300_000))])
    assert os.listdir(tmp_path) == ["probe"]


WRITES_FOR_EVER = """
import sys
import numpy as np
import pyarrow as pa
from manifests.counts import Counts
from manifests.schema import Schema, column
from manifests.shard import Part, write_shard
from manifests.storage import Folder
schema = Schema("numbers", 1, ("n",), pa.schema([column("n", pa.int64(), "a number", nullable=False)]))
def parts():
    while True:
        yield Part(pa.table({"n": np.arange(10_000)}), Counts(10_000, 10_000))
        print("written", flush=True)
write_shard(Folder(sys.argv[1]), "a", schema, parts())
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose writer was killed in the middle of a shard."""
    folder = tmp_path_factory.mktemp("killed")
    writer = subprocess.Popen([sys.executable, "-c", WRITES_FOR_EVER, str(folder)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.stdout.close()
    assert writer.wait(PATIENCE_S) == -signal.SIGKILL
    return folder


def test_a_killed_writer_leaves_no_file_of_the_final_name(killed: Path) -> None:
    assert Folder(str(killed)).sizes() == {}


def test_what_a_killed_writer_left_is_swept_by_the_next_driver(killed: Path) -> None:
    assert len(list(killed.iterdir())) == 1
    Folder(str(killed)).sweep()
    assert not list(killed.iterdir())


COLUMNS = ["image_id", "status", "error", "clip", "dino"]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype("f4")
    return embeddings_manifest(tmp_path, names(40), {"clip": vectors, "dino": vectors[:, :3]}, rejected={5})


def with_flipped_bit(manifest: Manifest, name: str) -> None:
    """Flip one bit in the last byte of a column's last page."""
    path = Path(manifest.folder.url, "00000.parquet")
    place = pq.read_metadata(path).row_group(0).column(COLUMNS.index(name))
    start = place.dictionary_page_offset or place.data_page_offset
    data = bytearray(path.read_bytes())
    data[start + place.total_compressed_size - 1] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_flipped_bit_is_noticed_when_the_shard_is_read(manifest: Manifest, name: str) -> None:
    with_flipped_bit(manifest, name)
    with pytest.raises(Damaged, match=r"00000\.parquet is not as it was written .* run `blindpairs repair`"):
        manifest.read("00000")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_flipped_bit_is_noticed_when_batches_are_read(manifest: Manifest, name: str) -> None:
    with_flipped_bit(manifest, name)
    with pytest.raises(Damaged):
        list(manifest.batches([name]))


def test_flipped_bits_all_over_the_pages_are_noticed_or_harmless(manifest: Manifest) -> None:
    path = Path(manifest.folder.url, "00000.parquet")
    whole, good = manifest.read("00000"), path.read_bytes()
    footer = int.from_bytes(good[-8:-4], "little") + 8
    for place in range(0, len(good) - footer, 3):
        data = bytearray(good)
        data[place] ^= 1 << (place % 8)
        path.write_bytes(data)
        try:
            assert manifest.read("00000").equals(whole), f"byte {place} was taken for data"
        except Damaged:
            continue


def test_a_broken_footer_is_told_with_the_file_to_remove(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "00000.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Damaged, match=r"remove .*00000\.parquet to make it again"):
        read_receipt(manifest.folder, "00000")


def test_a_foreign_file_of_a_planned_name_has_no_receipt(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1]}), tmp_path / "a.parquet")
    with pytest.raises(Damaged, match="holds no counts"):
        read_receipt(Folder(str(tmp_path)), "a")


def test_a_shard_that_is_gone_stays_the_systems_error(manifest: Manifest) -> None:
    with pytest.raises(FileNotFoundError):
        manifest.read("00001")


def test_a_column_that_is_not_there_is_named_and_not_passed_over(manifest: Manifest) -> None:
    with pytest.raises(ValueError, match="no column clop"):
        list(manifest.batches(["image_id", "clop"]))
