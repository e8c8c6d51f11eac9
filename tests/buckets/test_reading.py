"""Reading from a store: few requests, whole ranges, and whose failure it is when there are none."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from world.downloads import download, downloaded, stage_of
from world.pictures import jpeg
from world.store import Bucket
from world.tars import packed

from manifests.counts import Counts
from manifests.schema import Schema, column
from manifests.shard import Part, read_receipt, read_rows, read_shard, write_shard
from manifests.storage import Folder
from manifests.stores import patience, ranges
from manifests.stores.faults import Unreachable
from stages import images
from stages.base import Machine
from stages.embed.settings import EmbedSettings
from stages.embed.stage import Embed
from stages.images import ImageRefused

DATA = bytes(range(256)) * 400  # 102,400 bytes
WIDE = Schema(
    "wide", 1, ("id",), pa.schema([column("id", pa.int64(), "a number"), column("text", pa.string(), "a long text")])
)


@pytest.fixture
def uri(bucket: Bucket) -> str:
    return bucket.put("photos/a.bin", DATA)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, over in a second."""
    monkeypatch.setattr(patience, "PATIENCE_S", 0.5)
    monkeypatch.setattr(ranges, "WAITS", (0.01,) * len(ranges.WAITS))


def refusal(read: Callable[[], bytes]) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read()
    return caught.value


# --- how many requests ---


def test_an_image_is_one_ranged_request(bucket: Bucket, uri: str) -> None:
    assert images.read(uri, 1000, 500) == DATA[1000:1500]
    assert bucket.proxy.counted() == {"get": 1}
    assert bucket.proxy.sent() == 500


def test_an_image_of_no_bytes_is_no_request(bucket: Bucket, uri: str) -> None:
    assert images.read(uri, 0, 0) == b""
    assert not bucket.proxy.counted()


def wide_shard(bucket: Bucket, rows: int = 2000) -> Folder:
    """A shard of one column of 8 bytes a row and one of 5,000."""
    folder, dice = Folder(bucket.url("run")), np.random.default_rng(0)
    texts = [dice.bytes(2500).hex() for _ in range(rows)]
    table = pa.table({"id": range(rows), "text": texts}, WIDE.columns)
    parts = [Part(table.slice(at, 500), Counts(seen=500, ok=500)) for at in range(0, rows, 500)]
    write_shard(folder, "00000", WIDE, parts)
    bucket.proxy.asked.clear()
    return folder


def test_a_small_column_of_a_large_shard_is_small_to_read(bucket: Bucket) -> None:
    folder = wide_shard(bucket)
    assert folder.sizes()["00000.parquet"] > 2 << 20
    bucket.proxy.asked.clear()
    assert read_shard(folder, "00000", ["id"]).column("id").to_pylist() == list(range(2000))
    assert bucket.proxy.counted()["head"] == 1
    assert bucket.proxy.counted()["get"] <= 10  # the footer, and one a row group: what lies between is large
    assert bucket.proxy.sent() < 200_000


def test_a_footer_is_two_requests(bucket: Bucket) -> None:
    folder = wide_shard(bucket)
    assert read_receipt(folder, "00000").rows == 2000
    assert bucket.proxy.counted() == {"head": 1, "get": 1}
    assert bucket.proxy.sent() <= 1 << 16


def test_a_whole_shard_comes_in_few_requests(bucket: Bucket) -> None:
    folder = wide_shard(bucket)
    assert read_shard(folder, "00000").num_rows == 2000
    assert bucket.proxy.counted()["get"] <= 4


def test_of_a_few_rows_only_their_row_groups_come(bucket: Bucket) -> None:
    folder = wide_shard(bucket)
    assert read_rows(folder, "00000", ["id", "text"], np.array([3, 1999])).column("id").to_pylist() == [3, 1999]
    assert bucket.proxy.sent() < folder.sizes()["00000.parquet"] * 0.6  # two of four


def tar_of(count: int, noise: int = 30_000) -> bytes:
    """A tar of small images with captions, each as large as a photo by bytes behind its end."""
    return packed(
        part
        for n in range(count)
        for part in ((f"{n:04d}.jpg", jpeg(n % 7) + bytes(noise)), (f"{n:04d}.txt", f"caption {n}".encode()))
    )


@pytest.mark.parametrize("kind", ["shards", "img2dataset"])
def test_a_tar_is_read_once_in_large_blocks(bucket: Bucket, kind: str) -> None:
    tar = tar_of(300)
    bucket.put("tars/00000.tar", tar)
    if kind == "img2dataset":
        keys = [f"{n:04d}" for n in range(300)]
        table = pa.table({"key": keys, "url": [f"https://x/{key}" for key in keys], "status": ["success"] * 300})
        sink = pa.BufferOutputStream()
        pa.parquet.write_table(table, sink)
        bucket.put("tars/00000.parquet", sink.getvalue().to_pybytes())
    stage = stage_of(kind, bucket.url("tars") + "/*.tar" * (kind == "shards"))
    (task,) = stage.plan({})
    bucket.proxy.asked.clear()
    (part,) = stage.process(task, {})
    assert part.table.num_rows == part.counts.ok == 300
    of_the_tar = [one for one in bucket.proxy.asked if one.path.endswith(".tar")]
    assert len(of_the_tar) <= 2 + len(tar) / (4 << 20)
    assert sum(one.sent for one in of_the_tar) <= len(tar) * 1.01


def test_embedding_a_tar_takes_a_few_requests_not_one_an_image(bucket: Bucket) -> None:
    tar = tar_of(300)
    bucket.put("some.tar", tar)
    stage = stage_of("shards", bucket.url("some.tar"))
    (part,) = stage.process(stage.plan({})[0], {})
    embed = Embed(EmbedSettings.model_validate({"encoders": {"colour": {"kind": "colour"}}}))
    embed.setup(Machine())
    bucket.proxy.asked.clear()
    assert embed.transform(part.table).column("status").to_pylist() == ["ok"] * 300
    assert bucket.proxy.counted() == {"get": -(-len(tar) // (4 << 20))}


def test_rows_of_a_tar_in_a_bucket_are_those_of_the_same_tar_on_a_disk(bucket: Bucket, tmp_path) -> None:
    tar = packed(
        [
            ("a.jpg", jpeg()), ("a.txt", "größe".encode()), ("a.json", b'{"label": "dog"}'), ("a.jpg", jpeg(1)),
            ("b.jpg", b"no image"), ("c.png", b""), ("c.json", b"[not"), ("d/e.jpg", jpeg(2)[:200]), ("x.bin", b"1"),
        ]
    )  # fmt: skip
    for data, name in ((tar, "whole.tar"), (tar[:-9000], "cut.tar"), (b"\x1f\x8b" + tar, "odd.tar"), (b"", "no.tar")):
        (tmp_path / name).write_bytes(data)
        bucket.put(name, data)
        there, here = download("shards", bucket.url(name)), download("shards", tmp_path / name)
        assert there.counts == here.counts
        assert [placeless(row, str(bucket)) for row in there.rows] == [placeless(row, tmp_path) for row in here.rows]


def placeless(row: dict, root: object) -> dict:
    return {name: value.replace(str(root), "") if isinstance(value, str) else value for name, value in row.items()}


# --- what goes wrong and is got over ---


@pytest.mark.parametrize("fault", ["cut", "shortened", "reset", "lost", "broken"])
def test_a_range_that_fails_twice_is_read_all_the_same(bucket: Bucket, uri: str, fault: str) -> None:
    bucket.proxy.fail(**{fault: 2}, only=("get",))
    assert images.read(uri, 100, 50_000) == DATA[100:50_100]
    assert getattr(bucket.proxy.faults, fault) == 0


@pytest.mark.parametrize("code", ["SlowDown", "ServiceUnavailable"])
def test_a_store_that_is_too_busy_for_a_while_is_outlasted(
    bucket: Bucket, uri: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on while one waits between two tries, and only then."""
    waits: list[float] = []
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: sum(waits), sleep=waits.append))
    bucket.proxy.fail(busy=12, busy_code=code)
    assert images.read(uri, 0, 10) == DATA[:10]
    assert bucket.proxy.faults.busy == 0
    assert sum(waits) > 1.4  # it is not hammered meanwhile


@pytest.mark.parametrize("fault", ["cut", "shortened", "reset"])
def test_a_shard_whose_bodies_are_hurt_is_read_all_the_same(bucket: Bucket, fault: str) -> None:
    folder = wide_shard(bucket)
    bucket.proxy.fail(**{fault: 2}, only=("get",))
    assert read_shard(folder, "00000").column("id").to_pylist() == list(range(2000))


@pytest.mark.parametrize("fault", ["cut", "shortened", "reset"])
def test_a_tar_whose_bodies_are_hurt_gives_all_its_rows(bucket: Bucket, fault: str) -> None:
    bucket.put("a.tar", tar_of(20))
    stage = stage_of("shards", bucket.url("a.tar"))
    bucket.proxy.fail(**{fault: 2}, only=("get",))
    assert len(downloaded(stage).ok) == 20


@pytest.mark.parametrize("fault", ["reset", "lost", "broken"])
def test_what_is_put_twice_lies_there_once_and_whole(bucket: Bucket, fault: str) -> None:
    folder = Folder(bucket.url("run"))
    bucket.proxy.fail(**{fault: 1}, only=("put",))
    folder.write("a", DATA)
    assert bucket.get("run/a") == DATA


def test_a_file_that_was_created_though_the_answer_was_lost_is_known_as_ours(bucket: Bucket) -> None:
    folder = Folder(bucket.url("run"))
    bucket.proxy.fail(lost=1, only=("put",))
    assert folder.create("a", b"mine")
    bucket.put("run/b", b"another's")
    bucket.proxy.fail(reset=1, only=("put",))
    assert not folder.create("b", b"mine")


# --- what is true of the file, and what is the machine's failure ---


def test_a_file_that_is_gone_is_told_of_the_image(bucket: Bucket) -> None:
    seen = refusal(lambda: images.read(bucket.url("gone.jpg"), 0, 10))
    assert seen.status == images.UNREADABLE
    assert "gone.jpg" in seen.sentence


@pytest.mark.parametrize(("offset", "length"), [(102_000, 1000), (102_400, 1), (500_000, 10), (0, 102_401)])
def test_a_file_that_is_shorter_than_it_was_is_told_of_the_image(
    bucket: Bucket, uri: str, offset: int, length: int
) -> None:
    seen = refusal(lambda: images.read(uri, offset, length))
    assert seen.status == images.TRUNCATED
    assert bucket.proxy.counted() == {"get": 1, "head": 1}  # its size is looked at, once


def test_a_file_we_may_not_read_is_told_of_the_image(bucket: Bucket, uri: str) -> None:
    bucket.allow("s3:ListBucket")
    assert refusal(lambda: images.read(uri, 0, 10)).status == images.UNREADABLE
    assert bucket.proxy.counted()["get"] == 1  # never asked again


@pytest.mark.parametrize("fault", ["cut", "shortened"])
def test_a_body_that_never_comes_whole_is_the_stores_failure_not_the_images(
    bucket: Bucket, uri: str, fault: str, impatient: None
) -> None:
    bucket.proxy.fail(**{fault: 1000}, only=("get",))
    with pytest.raises(Unreachable, match=r"a\.bin"):
        images.read(uri, 0, 1000)


def test_credentials_that_ran_out_are_no_fault_of_the_images(bucket: Bucket, uri: str) -> None:
    bucket.allow("s3:*")
    bucket.sign_in("AKIANOBODY", "nothing")
    with pytest.raises(Unreachable):
        images.read(uri, 0, 10)


@pytest.mark.parametrize("kind", ["shards", "img2dataset"])
def test_a_tar_that_cannot_be_had_now_fails_its_task_and_makes_no_row(
    bucket: Bucket, kind: str, impatient: None
) -> None:
    bucket.put("tars/0.tar", tar_of(3))
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table({"key": ["0000"], "url": ["https://x"], "status": ["success"]}), sink)
    bucket.put("tars/0.parquet", sink.getvalue().to_pybytes())
    stage = stage_of(kind, bucket.url("tars") + "/0.tar" * (kind == "shards"))
    (task,) = stage.plan({})
    bucket.proxy.fail(shortened=10_000, only=("get",))
    with pytest.raises(Unreachable):
        list(stage.process(task, {}))


def test_many_threads_read_at_once(bucket: Bucket, uri: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda at: images.read(uri, at, 256), range(0, 51_200, 256)))
    assert got == [DATA[at : at + 256] for at in range(0, 51_200, 256)]


def test_a_file_made_aside_lies_under_tmpdir_until_it_is_whole(bucket: Bucket, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = Folder(bucket.url("run"))
    with folder.aside("a") as path:
        path.write_bytes(b"half")
        assert path.is_relative_to(tmp_path)
        assert bucket.names() == []
    assert bucket.get("run/a") == b"half"
    assert list(tmp_path.iterdir()) == []


def test_a_put_that_never_succeeds_leaves_nothing(bucket: Bucket, impatient: None) -> None:
    folder = Folder(bucket.url("run"))
    bucket.proxy.fail(broken=1000, only=("put",))
    with pytest.raises(Unreachable, match="run/a"):
        folder.write("a", DATA)
    assert bucket.names() == []
