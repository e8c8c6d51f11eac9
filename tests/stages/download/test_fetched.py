"""What img2dataset left: images that came, URLs that did not, and what is amiss between tar and table."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.downloads import Downloaded, download, stage_of
from world.fetches import fetched, write_fetched
from world.pictures import jpeg
from world.processes import PATIENCE_S
from world.tars import end_of, laid_out, packed

from manifests.errors import Refused
from manifests.tables import image_id
from stages import images

THREE = [(fetched(0, jpeg(0)), jpeg(0)), (fetched(1, None), None), (fetched(2, jpeg(2)), jpeg(2))]


def reason(uri: str | Path) -> str:
    with pytest.raises(Refused) as caught:
        stage_of("img2dataset", uri).external_state()
    return str(caught.value)


def read(uri: str | Path, **source: Any) -> Downloaded:
    return download("img2dataset", uri, **source)


# --- sound shards ---


def test_fetched_images_are_ok_with_what_the_table_says_of_them(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE)
    row = read(tmp_path).by_key["000000002"]
    assert (row["url"], row["caption"], row["aesthetic"]) == ("http://localhost/2.jpg", "picture 2", 5.0)
    assert row["sha256"] == hashlib.sha256(jpeg(2)).hexdigest()
    assert images.read(row["uri"], row["offset"], row["length"]) == jpeg(2)


def test_a_url_that_failed_is_a_row_with_img2datasets_reason(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE)
    got = read(tmp_path)
    assert (got.counts.seen, got.counts.rejected) == (3, {"failed_to_download": 1})
    row = got.by_key["000000001"]
    assert (row["error"], row["url"], row["uri"]) == ("HTTP Error 404: Not Found", "http://localhost/1.jpg", None)


def test_an_image_is_named_by_its_key_and_url(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE)
    expected = [image_id("some", f"{number:09d} http://localhost/{number}.jpg") for number in range(3)]
    assert [row["image_id"] for row in read(tmp_path).rows] == expected


def test_every_shard_of_a_folder_is_a_task_and_its_stats_are_no_images(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE, "00000")
    write_fetched(tmp_path, [(fetched(10, jpeg(1)), jpeg(1))], "00001")
    assert read(tmp_path).ok == ["000000000", "000000002", "000000010"]


def test_tars_may_be_named_by_braces_or_glob(tmp_path: Path) -> None:
    for name in ("00000", "00001"):
        write_fetched(tmp_path / "my.tars", THREE, name)
    for uri in ("{00000..00001}.tar", "*.tar"):
        assert len(read(tmp_path / "my.tars" / uri).rows) == 6


@pytest.mark.parametrize("name", ["a[1]", "a{b,c}", "a*", "a\\b", "a.tar", "é ::"])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    write_fetched(tmp_path / name, THREE)
    assert len(read(tmp_path / name).rows) == 3


def test_a_shard_whose_urls_all_failed_is_all_rejected_rows(tmp_path: Path) -> None:
    write_fetched(tmp_path, [(fetched(number, None), None) for number in range(3)])
    assert read(tmp_path).counts.rejected == {"failed_to_download": 3}


@pytest.mark.parametrize("status", [None, "ok", ""])
def test_a_status_that_img2dataset_does_not_have_is_never_taken_for_success(status: str | None, tmp_path: Path) -> None:
    write_fetched(tmp_path, [(fetched(0, jpeg(), status=status), jpeg()), THREE[2]])
    assert read(tmp_path).statuses == {"000000000": "failed", "000000002": "ok"}


def test_a_failure_without_a_message_is_told_all_the_same(tmp_path: Path) -> None:
    write_fetched(tmp_path, [(fetched(0, None, error_message=None), None), THREE[2]])
    assert read(tmp_path).by_key["000000000"]["error"] == "img2dataset says no more"


def test_a_license_of_the_recipe_holds_where_the_table_has_none(tmp_path: Path) -> None:
    write_fetched(tmp_path, [(fetched(0, jpeg(0), LICENSE="cc0"), jpeg(0)), THREE[2]])
    assert {row["license"] for row in read(tmp_path, license="cc-by").rows} == {"cc0", "cc-by"}


# --- tar and table that disagree ---


@pytest.mark.parametrize("odd", [0, 1, 300])
def test_a_tar_cut_anywhere_gives_a_row_for_every_url_and_keeps_what_is_whole(odd: int, tmp_path: Path) -> None:
    path = write_fetched(tmp_path, THREE)
    whole = path.read_bytes()
    lying = {one.name.removesuffix(".jpg"): one.stop for one in laid_out(whole) if one.name.endswith(".jpg")}
    for cut in range(odd, end_of(whole), 512):
        path.write_bytes(whole[:cut])
        got = read(tmp_path)
        assert got.ok == [key for key, stop in lying.items() if stop <= cut]
        assert got.counts.rejected.get("missing_from_tar", 0) == 2 - len(got.ok)


def test_a_success_that_a_whole_tar_does_not_hold_is_a_row(tmp_path: Path) -> None:
    path = write_fetched(tmp_path, THREE)
    path.write_bytes(packed([("000000000.jpg", jpeg(0))]))
    assert read(tmp_path).statuses["000000002"] == "missing_from_tar"


def test_a_tar_that_is_gone_makes_every_success_a_rejected_row(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE).unlink()
    write_fetched(tmp_path, [(fetched(10, jpeg(1)), jpeg(1))], "00001")
    assert read(tmp_path).counts.rejected == {"failed_to_download": 1, "missing_from_tar": 2}


def test_an_image_the_table_does_not_name_is_a_row_too(tmp_path: Path) -> None:
    path = write_fetched(tmp_path, THREE)
    path.write_bytes(packed([("000000000.jpg", jpeg(0)), ("000000002.jpg", jpeg(2)), ("odd.jpg", jpeg(3))]))
    got = read(tmp_path)
    assert got.ok == ["000000000", "000000002", "odd"]
    assert got.counts.aside == {"(images that the Parquet does not name)": 1}


def test_of_two_images_of_one_key_the_first_counts_and_the_second_is_told(tmp_path: Path) -> None:
    path = write_fetched(tmp_path, THREE)
    members = [
        ("000000000.jpg", jpeg(0)),
        ("000000000.png", jpeg(5)),
        ("000000002.jpg", jpeg(2)),
        ("000000000.jpg", b""),
    ]
    path.write_bytes(packed(members))
    got = read(tmp_path)
    assert got.ok == ["000000000", "000000002"]
    assert got.counts.rejected == {"failed_to_download": 1, "duplicate_key": 2}
    assert len({row["image_id"] for row in got.rows}) == 5


def test_a_repaired_tar_is_seen_as_a_changed_source(tmp_path: Path) -> None:
    path = write_fetched(tmp_path, THREE)
    whole = path.read_bytes()
    path.write_bytes(whole[:2000])
    cut = stage_of("img2dataset", tmp_path).external_state()
    path.write_bytes(whole)
    assert stage_of("img2dataset", tmp_path).external_state() != cut


# --- what is refused ---


def test_tars_without_tables_are_refused_with_the_kind_that_fits(tmp_path: Path) -> None:
    path = write_fetched(tmp_path, THREE)
    path.with_suffix(".parquet").unlink()
    for uri in (tmp_path, path, tmp_path / "*.tar"):
        assert "kind: shards" in reason(uri)


def test_a_shard_that_img2dataset_did_not_finish_is_refused_by_name(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE, "00000")
    path = write_fetched(tmp_path, THREE, "00001")
    path.with_suffix(".parquet").unlink()
    assert "00001.tar has no Parquet table" in reason(tmp_path)


def test_one_table_of_several_that_is_missing_is_refused_by_name(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE, "00000")
    assert "00001.parquet" in reason(tmp_path / "{00000..00001}.tar")


def test_tables_without_any_tar_are_refused(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE).unlink()
    assert "names no file" in reason(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", jpeg()])
def test_a_table_that_is_no_parquet_is_refused(content: bytes, tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE).with_suffix(".parquet").write_bytes(content)
    assert "cannot be read as Parquet" in reason(tmp_path)


def test_a_table_of_another_origin_is_refused_with_the_column_it_lacks(tmp_path: Path) -> None:
    path = write_fetched(tmp_path, THREE)
    pq.write_table(pa.table({"key": ["0"], "url": ["x"]}), path.with_suffix(".parquet"))
    assert "has no column status" in reason(tmp_path)


def test_a_table_that_breaks_off_later_fails_its_task_with_its_name(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE, "00000")
    write_fetched(tmp_path, THREE, "00001").with_suffix(".parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused, match=r"00001\.parquet cannot be read"):
        read(tmp_path)


def test_what_is_neither_a_folder_nor_tars_is_refused(tmp_path: Path) -> None:
    write_fetched(tmp_path, THREE)
    assert "neither a folder nor names tars" in reason(tmp_path / "0*")


def test_keys_that_are_numbers_find_their_members(tmp_path: Path) -> None:
    path = tmp_path / "0.tar"
    path.write_bytes(packed([("7.jpg", jpeg())]))
    pq.write_table(pa.table({"key": [7], "url": ["x"], "status": ["success"]}), path.with_suffix(".parquet"))
    assert read(tmp_path).ok == ["7"]


# --- the real thing ---


class Answer(BaseHTTPRequestHandler):
    """An image for every even number, 404 for every odd one."""

    def do_GET(self) -> None:
        number = int(self.path.strip("/").removesuffix(".jpg"))
        data = b"" if number % 2 else jpeg(number)
        self.send_response(404 if number % 2 else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_the_real_img2dataset_leaves_is_read_whole(site: str, tmp_path: Path) -> None:
    urls = [f"{site}/{number}.jpg" for number in range(12)]
    pq.write_table(pa.table({"url": urls, "caption": [f"picture {url}" for url in urls]}), tmp_path / "urls.parquet")
    command = [sys.executable, "-m", "img2dataset.main", "--url_list", str(tmp_path / "urls.parquet")]
    command += ["--input_format", "parquet", "--url_col", "url", "--caption_col", "caption"]
    command += ["--output_folder", str(tmp_path / "out"), "--output_format", "webdataset", "--resize_mode", "no"]
    command += ["--processes_count", "1", "--thread_count", "4", "--number_sample_per_shard", "7"]
    command += ["--enable_wandb", "False", "--retries", "0", "--timeout", f"{PATIENCE_S:g}"]
    environment = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1", "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    # webdataset does without torch, whose import in each of three processes would be half of the time
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError")
    environment["PYTHONPATH"] = str(tmp_path)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    got = read(tmp_path / "out")
    assert got.counts.rejected == {"failed_to_download": 6}
    assert sorted((row["url"], row["caption"]) for row in got.rows) == sorted((url, f"picture {url}") for url in urls)
    assert {row["url"] for row in got.rows if row["status"] == "ok"} == set(urls[::2])
