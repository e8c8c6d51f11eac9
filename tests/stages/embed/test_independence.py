"""Independent of chance: on a CPU no bit of a vector moves with workers, batches, threads or memory that ran out."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import enumerate as enumerate_threads
from threading import get_ident
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from world.checkpoints import dinov2_checkpoint, open_clip_checkpoint, timm_checkpoint
from world.runs import contents, make, recipe

from stages.base import Machine
from stages.embed.settings import EmbedSettings
from stages.embed.stage import Embed
from stages.models.encoders.device import Device
from stages.models.encoders.network import Network

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return {
        "clip": {"kind": "open_clip", "model": f"local-dir:{open_clip_checkpoint(folder / 'clip')}"},
        "dino": {"kind": "transformers", "model": str(dinov2_checkpoint(folder / "dino"))},
        "other": {"kind": "timm", "model": f"local-dir:{timm_checkpoint(folder / 'timm')}"},
    }


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pictures of many shapes."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(30):
        dice = np.random.default_rng(number)
        blotches = Image.fromarray(dice.integers(0, 256, (5, 6, 3), dtype=np.uint8))
        blotches.resize((60 + 9 * number, 200 - 4 * number), 3).save(folder / f"{number:02d}.jpg")
    return folder


@pytest.fixture(scope="module")
def rows(photos: Path) -> pa.Table:
    paths = sorted(photos.iterdir())
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return pa.table(
        {
            "image_id": [path.name for path in paths],
            "status": ["ok"] * len(paths),
            "error": pa.array([None] * len(paths), pa.string()),
            "uri": [str(path) for path in paths],
            "offset": [0] * len(paths),
            "length": [path.stat().st_size for path in paths],
            "sha256": digests,
        }
    )


def stage_of(encoders: dict[str, Any], **machine: Any) -> Embed:
    stage = Embed(EmbedSettings.model_validate({"encoders": encoders}))
    stage.external_state()
    stage.setup(Machine(**machine))
    return stage


@pytest.fixture(scope="module")
def whole(encoders: dict[str, Any], rows: pa.Table) -> pa.Table:
    return stage_of(encoders).transform(rows)


@pytest.mark.parametrize("machine", [{"batch": 1}, {"batch": 7}, {"batch": 64}, {"decoders": 5}], ids=str)
def test_the_bytes_do_not_depend_on_batch_or_decoders(
    encoders: dict[str, Any], rows: pa.Table, whole: pa.Table, machine: dict[str, int]
) -> None:
    assert stage_of(encoders, **machine).transform(rows).equals(whole)


def test_the_bytes_do_not_depend_on_the_images_around(
    encoders: dict[str, Any], rows: pa.Table, whole: pa.Table
) -> None:
    stage = stage_of(encoders)
    assert stage.transform(rows.slice(11, 5)).equals(whole.slice(11, 5))


def test_the_files_of_two_workers_and_small_batches_hold_what_one_process_makes_at_once(
    encoders: dict[str, Any], photos: Path, tmp_path: Path, whole: pa.Table
) -> None:
    values = recipe(
        [{"name": "photos", "kind": "folder", "uri": str(photos)}],
        embed={"encoders": {name: encoders[name] for name in ("dino", "other")}},
        search={"blind": "dino", "reference": "other"},
        images={"shard_rows": 8},
        workers={"images": {"count": 1}, "embed": {"count": 2, "batch": 3}},
    )
    manifest = make(values, tmp_path, until="embeddings")["embeddings"]
    found = pa.concat_tables(manifest.read(shard.name) for shard in manifest.shards)
    for name in ("dino", "other"):
        assert _numbers(found.column(name)) == _numbers(whole.column(name))
    assert manifest.computed == {"float32 on CPU": 4}
    assert all(
        b"float32 on CPU" in data for name, data in contents(tmp_path / "test/embeddings").items() if "-" in name
    )


def _numbers(column: pa.ChunkedArray) -> bytes:
    return column.combine_chunks().flatten().to_numpy().tobytes()


# as on a GPU: images together, filled up to one size, two batches in flight


def together(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(torch.device("cpu"), batched=True)
    monkeypatch.setattr("stages.models.encoders.device.device_of", lambda machine, precision: device)


def furthest(found: pa.Table, wanted: pa.Table, name: str) -> float:
    one, other = (np.frombuffer(_numbers(table.column(name)), np.float32) for table in (found, wanted))
    return float(np.abs(one - other).max())


@pytest.mark.parametrize("batch", [4, 16, 64])
def test_computed_together_vectors_move_by_float32s_rounding_alone(
    encoders: dict[str, Any], rows: pa.Table, whole: pa.Table, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    together(monkeypatch)
    found = stage_of(encoders, batch=batch).transform(rows)
    assert max(furthest(found, whole, name) for name in encoders) < 1e-6


def test_every_batch_has_one_shape_so_that_nothing_is_chosen_anew(
    encoders: dict[str, Any], rows: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    together(monkeypatch)
    stage, sizes = stage_of({"dino": encoders["dino"]}, batch=8), list[int]()
    own = Network.encode
    monkeypatch.setattr(Network, "encode", lambda self, batch: (sizes.append(len(batch)), own(self, batch))[1])
    stage.transform(rows)
    assert sizes == [8, 8, 8, 8]


def test_memory_that_runs_out_at_a_batch_makes_it_smaller_and_the_vectors_stay(
    encoders: dict[str, Any], rows: pa.Table, whole: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    together(monkeypatch)
    stage = stage_of(encoders, batch=16)
    monkeypatch.setattr(Network, "encode", _short_of_memory(Network.encode, most=5))
    found = stage.transform(rows)
    assert max(furthest(found, whole, name) for name in encoders) < 1e-6
    # half of 8, or of what was left over where fewer images were decoded in time
    assert {within.largest for within in stage._encoders.values()} <= {3, 4, 5}


@pytest.mark.parametrize(
    "words", ["DefaultCPUAllocator: can't allocate memory", "could not create a primitive"], ids=["torch", "oneDNN"]
)
def test_memory_that_runs_out_on_a_cpu_moves_no_bit(
    encoders: dict[str, Any], rows: pa.Table, whole: pa.Table, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_of(encoders)
    monkeypatch.setattr(Network, "encode", _short_of_memory(Network.encode, most=3, words=words))
    assert stage.transform(rows).equals(whole)


def _short_of_memory(
    own: Callable[..., np.ndarray], most: int, words: str = "CUDA out of memory. Tried to allocate 2.00 GiB"
) -> Callable[..., np.ndarray]:
    def encode(network: Network, batch: list[torch.Tensor]) -> np.ndarray:
        if len(batch) > most:
            raise RuntimeError(words)  # what torch's own OutOfMemoryError is, too
        return own(network, batch)

    return encode


SHORT = """
import resource, sys
import numpy as np, torch
from pipeline.cli.summaries import lineage_of
from stages.base import Machine
from stages.embed.computing import Within
from stages.models.encoders import device
from stages.models.encoders.base import load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.settings import Transformers
from PIL import Image

device.device_of = lambda machine, precision: device.Device(torch.device("cpu"), batched=True)
settings = Transformers(kind="transformers", model=sys.argv[1])
encoder = load(settings, weights_of(settings), Machine())
unlike = [encoder.prepare(Image.effect_noise((50, 40), seed).convert("RGB")) for seed in range(61)]
pictures, alone = (unlike * 68)[:4096], np.tile(encoder.encode(unlike), (68, 1))[:4096]
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20), resource.RLIM_INFINITY))
told = []
within = Within(encoder, 4096, told.append)
found = within.encode(pictures)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(told, float(np.abs(found - alone).max() / np.abs(alone).max()))
"""


def test_memory_that_really_runs_out_is_backed_off_from(encoders: dict[str, Any]) -> None:
    """A process that may have 100 MiB more, and a batch of 4,096 images that needs several times that."""
    words = [sys.executable, "-c", SHORT, encoders["dino"]["model"]]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env={"OMP_NUM_THREADS": "1"})
    assert ended.returncode == 0, ended.stderr
    sizes, error = ended.stdout.rsplit(maxsplit=1)
    assert sizes.startswith("[2048")
    assert float(error) < 1e-5


def test_the_threads_that_compute_are_the_same_from_shard_to_shard(
    encoders: dict[str, Any], rows: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a stream of a GPU, and a stream its own memory there."""
    together(monkeypatch)
    stage, threads = stage_of({"dino": encoders["dino"]}, batch=4), set[int]()
    own = Network.encode
    monkeypatch.setattr(Network, "encode", lambda self, batch: (threads.add(get_ident()), own(self, batch))[1])
    for _ in range(5):
        stage.transform(rows)
    assert len(threads) <= 2


def test_a_shard_left_early_leaves_nothing_at_work(encoders: dict[str, Any], rows: pa.Table) -> None:
    stage = stage_of({"dino": encoders["dino"]})
    parts = stage._tables(pa.concat_tables([rows] * 20))
    next(parts)
    parts.close()
    assert not [thread.name for thread in enumerate_threads() if thread.name.startswith(("read", "decode"))]
    assert stage.transform(rows).num_rows == 30
