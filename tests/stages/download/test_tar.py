"""Tars that are cut, garbled or hostile: what is whole is ok, what is lost is told, nothing hangs."""

import gzip
import hashlib
import os
import random
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.downloads import Downloaded, download
from world.pictures import jpeg
from world.tars import BLOCK, end_of, header_size_replaced, laid_out, packed, with_entry

from stages import images
from stages.download import tar as tars

MEMBERS = [
    ("a.jpg", jpeg(0)),
    ("a.txt", b"the first"),
    ("b.txt", b"the second"),
    ("b.jpg", jpeg(1)),
    ("empty.bin", b""),
    ("c.jpg", jpeg(2)),
    ("c.json", b'{"caption": "the third"}'),
]
TAR = packed(MEMBERS)
CAPTIONS = {"a.jpg": "a.txt", "b.jpg": "b.txt", "c.jpg": "c.json"}
WORDS = {"a.jpg": "the first", "b.jpg": "the second", "c.jpg": "the third"}


def read(data: bytes) -> Downloaded:
    """All rows of a source of this one tar."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.tar")
        path.write_bytes(data)
        return download("shards", path)


def told(got: Downloaded) -> list[str]:
    """The statuses of what is not ok."""
    return [row["status"] for row in got.rows if row["status"] != "ok"]


def expected(cut: int) -> dict[str, str | None]:
    """Image -> caption, of what lies whole before the cut."""
    whole = {lying.name for lying in laid_out(TAR) if lying.stop <= cut}
    return {
        name.removesuffix(".jpg"): WORDS[name] if CAPTIONS[name] in whole else None
        for name in CAPTIONS
        if name in whole
    }


def check_cut(cut: int) -> None:
    got = read(TAR[:cut])
    assert {row["key"]: row["caption"] for row in got.rows if row["status"] == "ok"} == expected(cut)
    assert len(told(got)) == (cut < end_of(TAR) + BLOCK), f"cut at {cut}: {told(got)}"


# --- cuts ---


@pytest.mark.parametrize("odd", [0, 1, 257, 511])
def test_a_tar_cut_anywhere_loses_nothing_silently(odd: int) -> None:
    for cut in range(odd, len(TAR), BLOCK):
        check_cut(cut)


@given(cut=st.integers(0, len(TAR)))
@settings(max_examples=60, deadline=None)
def test_a_tar_cut_at_any_byte_loses_nothing_silently(cut: int) -> None:
    check_cut(cut)


def test_a_tar_with_long_and_foreign_names_cut_anywhere_loses_nothing_silently() -> None:
    wanted = {f"{'long/' * 30}犬{number}.jpg": jpeg(number) for number in range(3)}
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        whole = packed(wanted.items(), form)
        starts = {name: whole.index(data) for name, data in wanted.items()}
        stop = max(starts.values()) + len(jpeg(2))
        for cut in range(0, len(whole), 331):
            got = read(whole[:cut])
            assert got.ok == [name[:-4] for name in wanted if starts[name] + len(wanted[name]) <= cut]
            assert len(told(got)) == (cut < -(-stop // BLOCK) * BLOCK + BLOCK)


def test_an_empty_file_is_a_row_that_says_it_is_no_tar() -> None:
    assert told(read(b"")) == [tars.NOT_A_TAR]


def test_an_empty_tar_has_no_rows_and_is_whole() -> None:
    assert read(packed([])).rows == []


# --- what is no tar, or no more ---


@pytest.mark.parametrize("data", [jpeg(), b"<html>" * 500, random.Random(1).randbytes(2000), b"x"])
def test_what_is_no_tar_is_a_row_that_says_so(data: bytes) -> None:
    assert told(read(data)) == [tars.NOT_A_TAR]


def test_a_gzipped_tar_is_a_row_that_says_what_to_do() -> None:
    got = read(gzip.compress(TAR))
    assert told(got) == [tars.COMPRESSED]
    assert "gunzip" in got.rows[0]["error"]


@pytest.mark.parametrize(
    "garbage", [b"\xa7" * BLOCK, b"\0" * BLOCK, random.Random(2).randbytes(BLOCK)], ids=["same", "zeros", "random"]
)
def test_a_garbage_header_in_the_middle_keeps_what_is_before_it_and_tells_that_there_may_be_more(
    garbage: bytes,
) -> None:
    place = next(lying.start for lying in laid_out(TAR) if lying.name == "b.jpg") - BLOCK
    got = read(TAR[:place] + garbage + TAR[place + BLOCK :])
    assert got.ok == ["a"]
    assert len(told(got)) == 1


def test_two_tars_joined_end_to_end_are_told_not_to_be_read_to_the_end() -> None:
    got = read(packed([("a.jpg", jpeg())]) + packed([("b.jpg", jpeg())]))
    assert got.ok == ["a"]
    assert told(got) == [tars.AFTER_END]


def test_any_number_of_zeros_behind_the_end_is_no_damage() -> None:
    assert told(read(TAR + bytes(3 << 20))) == []


@pytest.mark.timeout(300)
def test_no_mutation_of_a_tar_crashes_hangs_or_loses_an_image_silently() -> None:
    dice, whole = random.Random(0), packed([*MEMBERS, ("犬" * 60 + ".jpg", jpeg(3))], tarfile.PAX_FORMAT)
    usual = read(whole)
    for _ in range(200):
        changed = bytearray(whole)
        for _ in range(dice.choice([1, 3, 20])):
            place = dice.choice(
                [dice.randrange(len(whole)), dice.randrange(0, len(whole), BLOCK) + dice.randrange(160)]
            )
            changed[place] = dice.choice([0, 0x80, 0xFF, ord("7"), ord("L"), ord("x"), dice.randrange(256)])
        got = read(bytes(changed))
        # a changed name in an extended header, which has no checksum, may make an image another file
        assert len(got.ok) == 4 or told(got) or got.counts.aside != usual.counts.aside


# --- headers that lie ---


def base256(value: int) -> bytes:
    """A size as GNU tar writes those that do not fit in octal digits."""
    return bytes([0xFF if value < 0 else 0x80]) + value.to_bytes(11, "big", signed=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", [-1, -512, -1024, -5120])
def test_a_negative_size_does_not_send_the_reader_back_for_ever(size: int) -> None:
    got = read(header_size_replaced(TAR, "b.jpg", base256(size)))
    assert got.ok == ["a"]
    assert len(told(got)) == 1


@pytest.mark.timeout(300)
def test_a_negative_size_in_an_extended_header_does_not_either() -> None:
    entry = tarfile.TarInfo("b.jpg")
    entry.pax_headers = {"size": "-1024"}
    data = packed([("a.jpg", jpeg())])
    got = read(data[: end_of(data)] + entry.tobuf(tarfile.PAX_FORMAT) + bytes(10240))
    assert got.ok == ["a"]
    assert len(told(got)) == 1


@pytest.mark.parametrize("size", [1 << 30, 1 << 40, 1 << 80])
def test_a_size_beyond_the_file_is_told_as_a_cut(size: int) -> None:
    got = read(header_size_replaced(TAR, "b.jpg", base256(size)))
    assert (got.ok, told(got)) == (["a"], [images.TRUNCATED])


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("size", [1 << 34, 1 << 80])
def test_a_long_name_that_says_it_has_gigabytes_does_not_fill_the_memory(kind: bytes, size: int) -> None:
    entry = tarfile.TarInfo("odd")
    entry.type = kind
    data = packed([("a.jpg", jpeg()), ("odd", b"")])
    header = bytearray(header_size_replaced(data, "odd", base256(size)))
    place = end_of(data) - BLOCK
    header[place + 156 : place + 157] = kind
    header[place + 148 : place + 156] = b" " * 8
    header[place + 148 : place + 156] = f"{sum(header[place : place + BLOCK]):06o}\0 ".encode()
    got = read(bytes(header))
    assert got.ok == ["a"]
    assert len(told(got)) == 1


def test_thousands_of_long_names_for_one_member_do_not_overrun_the_stack() -> None:
    entry = tarfile.TarInfo("@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 10
    one = entry.tobuf(tarfile.GNU_FORMAT) + b"longer.jpg".ljust(BLOCK, b"\0")
    data = packed([("a.jpg", jpeg())])
    got = read(data[: end_of(data)] + one * 3000 + data)
    assert got.ok == ["a"]
    assert len(told(got)) == 1


# --- members that are no plain files ---


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE], ids=["hard", "symbolic"])
def test_a_link_named_like_an_image_is_a_row_that_says_where_it_leads(kind: bytes) -> None:
    link = tarfile.TarInfo("b.jpg")
    link.type, link.linkname = kind, "a.jpg"
    got = read(with_entry(link, [("a.jpg", jpeg())]))
    assert got.statuses == {"a": "ok", "b": images.UNREADABLE}
    assert "a link to a.jpg" in got.by_key["b"]["error"]


def test_a_link_out_of_the_tar_leads_nowhere() -> None:
    link = tarfile.TarInfo("b.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    got = read(with_entry(link))
    assert (got.rows[0]["status"], got.rows[0]["sha256"], got.rows[0]["length"]) == (images.UNREADABLE, None, 0)


def test_a_pipe_in_a_tar_is_a_row() -> None:
    pipe = tarfile.TarInfo("b.jpg")
    pipe.type = tarfile.FIFOTYPE
    assert read(with_entry(pipe)).statuses == {"b": images.UNREADABLE}


def test_a_sparse_member_is_a_row_for_its_bytes_do_not_lie_in_one_piece() -> None:
    sparse = tarfile.TarInfo("b.jpg")
    sparse.pax_headers = {"GNU.sparse.map": "0,1,100,1", "GNU.sparse.size": "1000000"}
    data = packed([("a.jpg", jpeg())])
    got = read(data[: end_of(data)] + sparse.tobuf(tarfile.PAX_FORMAT) + bytes(10240))
    assert got.statuses == {"a": "ok", "b": images.UNREADABLE}
    assert "sparse" in got.by_key["b"]["error"]


def test_folders_and_links_that_are_no_images_are_no_rows() -> None:
    folder = tarfile.TarInfo("a.jpg.d")
    folder.type = tarfile.DIRTYPE
    link = tarfile.TarInfo("latest")
    link.type, link.linkname = tarfile.SYMTYPE, "a.jpg"
    assert read(with_entry(folder)).rows == []
    assert read(with_entry(link, [("a.jpg", jpeg())])).ok == ["a"]


# --- names ---


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Path]:
    """A folder in which a test works; at its end nothing but x.tar may be there."""
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    yield inner
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [inner / "x.tar"]


@pytest.mark.parametrize("name", ["../../x.jpg", "/x.jpg", "a/../../../x.jpg", "./x.jpg"])
def test_a_member_named_to_leave_its_folder_is_a_row_and_nothing_is_written(name: str, watched: Path) -> None:
    (watched / "x.tar").write_bytes(packed([(name, jpeg())]))
    got = download("shards", watched / "x.tar")
    assert got.ok == [name.removesuffix(".jpg")]


def test_a_name_that_is_not_utf8_is_kept_as_escapes_and_its_bytes_are_found() -> None:
    got = read(packed([(os.fsdecode(b"\xff.jpg"), jpeg()), (os.fsdecode(b"\xfe.jpg"), jpeg(1))]))
    assert got.ok == ["\\udcff", "\\udcfe"]
    assert got.rows[0]["sha256"] == hashlib.sha256(jpeg()).hexdigest()


@pytest.mark.parametrize("members", [[(os.fsdecode(b"\xff.jpg"), jpeg())] * 2], ids=["twice"])
def test_a_reason_may_hold_a_name_that_is_not_utf8(members: list[tuple[str, bytes]]) -> None:
    whole = packed(members)
    assert told(read(whole)) == ["duplicate_key"]
    assert told(read(whole[: len(jpeg())])) == [images.TRUNCATED]
