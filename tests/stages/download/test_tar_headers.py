"""Extended headers of any length: no image is lost for one, and none fills the memory."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.downloads import download
from world.pictures import jpeg
from world.processes import printed
from world.tars import BLOCK, packed

from stages import images
from stages.download import tar, tar_headers
from stages.download.tar import Damage, Member, members

LONG = 2 << 20  # bytes, more than a header that is read whole
PHOTOS = [(f"{name}.jpg", jpeg(number)) for number, name in enumerate("abc")]


def headed(headers: Sequence[Mapping[str, str]], of_all: Mapping[str, str] | None = None) -> bytes:
    """A pax tar of PHOTOS, with these headers before each of them, and one before all."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, pax_headers=of_all or {}) as archive:
        for (name, data), header in zip(PHOTOS, headers, strict=True):
            entry = tarfile.TarInfo(name)
            entry.size, entry.pax_headers = len(data), dict(header)
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def gnu(names: Sequence[str]) -> bytes:
    return packed(zip(names, (data for _, data in PHOTOS), strict=True), tarfile.GNU_FORMAT)


def found(data: bytes) -> tuple[dict[str, bytes], list[Damage], list[Member]]:
    """Name -> bytes of what can be had, what is damaged, and members that cannot be had."""
    every = list(members(io.BytesIO(data)))
    there = [one for one in every if isinstance(one, Member)]
    whole = {one.name: data[one.offset : one.offset + one.length] for one in there if not one.fault}
    return whole, [one for one in every if isinstance(one, Damage)], [one for one in there if one.fault]


def with_pax(records: bytes, length: int | None = None) -> bytes:
    """A tar of a photo, one after a pax header of these bytes, and another photo."""
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, len(records) if length is None else length
    padded = records + bytes(-len(records) % BLOCK)
    one, rest = packed(PHOTOS[:1]), packed(PHOTOS[1:])
    return one[: -(-(BLOCK + len(PHOTOS[0][1])) // BLOCK) * BLOCK] + header.tobuf(tarfile.USTAR_FORMAT) + padded + rest


def record(keyword: bytes, value: bytes) -> bytes:
    """By the standard's own words: its length counts itself."""
    for digits in range(1, 20):
        length = digits + len(keyword) + len(value) + 3
        if len(str(length)) == digits:
            return b"%d %s=%s\n" % (length, keyword, value)
    raise AssertionError


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("key", ["SCHILY.xattr.user.thumbnail", "comment", "LIBARCHIVE.xattr.a"])
def test_extended_attributes_of_megabytes_cost_no_image(place: int, key: str) -> None:
    data = headed([{key: "x" * LONG} if number == place else {} for number in range(3)])
    assert found(data) == (dict(PHOTOS), [], [])


def test_a_header_of_megabytes_before_all_costs_no_image() -> None:
    assert found(headed([{}] * 3, {"comment": "x" * LONG})) == (dict(PHOTOS), [], [])


def test_what_counts_is_read_from_among_megabytes() -> None:
    name = "犬/" * 60 + "b.jpg"
    records = [record(b"comment", b"x" * LONG), record(b"path", name.encode()), record(b"LIBARCHIVE.b", b"=" * LONG)]
    size = record(b"size", str(len(PHOTOS[1][1])).encode())
    data = with_pax(b"".join([*records, size, record(b"mtime", b"1.5")]))
    # the header's own size says nothing where a record states one, as for files beyond 8 GiB
    place = data.index(b"b.jpg\0")
    header = tarfile.TarInfo.frombuf(data[place : place + BLOCK], "utf-8", "surrogateescape")
    header.size = 0
    data = data[:place] + header.tobuf(tarfile.USTAR_FORMAT) + data[place + BLOCK :]
    assert found(data) == ({"a.jpg": PHOTOS[0][1], name: PHOTOS[1][1], "c.jpg": PHOTOS[2][1]}, [], [])


def test_a_sparse_file_whose_map_has_megabytes_is_known_for_one() -> None:
    sparse = {"GNU.sparse.map": ",".join(["0,1"] * LONG), "GNU.sparse.size": "1000000", "GNU.sparse.name": "s.jpg"}
    whole, damage, lost = found(headed([{}, sparse, {}]))
    assert (sorted(whole), damage, [one.kind for one in lost]) == (["a.jpg", "c.jpg"], [], [tar.NO_OWN_BYTES])
    assert "sparse" in lost[0].fault


NAMES: dict[str, Callable[[str], bytes]] = {
    "gnu": lambda name: gnu(["a.jpg", name, "c.jpg"]),
    "gnu first": lambda name: gnu([name, "b.jpg", "c.jpg"]),
    "pax": lambda name: headed([{}, {"path": name}, {}]),
    "pax first": lambda name: headed([{"path": name}, {}, {}]),
}


@pytest.mark.parametrize("form", NAMES)
def test_a_name_of_megabytes_costs_one_image_and_is_told(form: str, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(NAMES[form]("d" * LONG + ".jpg"))
    got = download("shards", tmp_path / "x.tar")
    (lost,) = [row for row in got.rows if row["status"] != "ok"]
    assert len(got.ok) == 2
    assert lost["status"] == images.UNREADABLE
    assert "its name has 2,097,15" in lost["error"]
    assert "more than the 1,048,576 that are read" in lost["error"]
    assert lost["key"] == "d" * 100 + "..." + lost["key"][103:]


def test_a_link_to_a_name_of_megabytes_costs_nothing_else() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        link = tarfile.TarInfo("b.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "d" * LONG
        archive.addfile(link)
        entry = tarfile.TarInfo("a.jpg")
        entry.size = len(PHOTOS[0][1])
        archive.addfile(entry, io.BytesIO(PHOTOS[0][1]))
    whole, damage, lost = found(stream.getvalue())
    assert (whole, damage, len(lost)) == (dict(PHOTOS[:1]), [], 1)


@pytest.mark.parametrize("first", [True, False])
def test_a_tar_that_is_cut_inside_a_long_header_is_called_cut(first: bool) -> None:
    data = headed([{"comment": "x" * LONG} if first is (number == 0) else {} for number in range(3)])
    whole, (damage,), lost = found(data[: data.index(b"x" * 1000) + LONG // 2])
    assert (sorted(whole), lost) == ([] if first else ["a.jpg"], [])
    assert damage.status == images.TRUNCATED
    assert "inside an extended header of 2,097,1" in damage.sentence


@pytest.mark.parametrize(
    "records",
    [
        b"no record" * LONG,
        b"0 a=\n" + b"x" * LONG,
        b"99999999 comment=" + b"x" * LONG,
        b"9" * LONG,
        record(b"size", b"1" * LONG),
        record(b"path", b"a.jpg")[:-1].replace(b"14", b"6 ") + b"x" * LONG,
    ],
)
def test_a_long_header_that_does_not_parse_is_told_with_what_it_is(records: bytes) -> None:
    whole, (damage,), lost = found(with_pax(records))
    assert (whole, lost) == (dict(PHOTOS[:1]), [])
    assert damage.status == images.TRUNCATED
    assert f"a pax header of {len(records):,} bytes does not parse" in damage.sentence


def test_a_header_of_countless_records_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_headers, "MOST_RECORDS", 1000)
    _, (damage,), _ = found(with_pax(record(b"a", b"b") * LONG))
    assert "has more than 1,000 records" in damage.sentence


@pytest.mark.timeout(60)
@pytest.mark.parametrize("digits", [b"9", b"0", b"1 "])
def test_a_header_of_a_megabyte_of_digits_is_read_in_no_time(digits: bytes) -> None:
    assert found(with_pax(digits * (tar_headers.HEADER_BYTES // len(digits)))) == (dict(PHOTOS), [], [])


PARTS = st.sampled_from([b"", b"comment", b"SCHILY.xattr.user." + b"k" * 90, b"mtime", b"uid", b"GNU.sparse.oddity"])


@settings(max_examples=60, deadline=None)
@given(
    before=st.lists(st.tuples(PARTS, st.binary(max_size=400)), max_size=8),
    path=st.none() | st.text("ab/犬=\n1 ", min_size=1, max_size=200),
    zeros=st.integers(0, 700),
)
def test_a_short_header_is_read_as_tarfile_reads_it(
    before: list[tuple[bytes, bytes]], path: str | None, zeros: int
) -> None:
    records = [record(key or b"a", value) for key, value in before] + ([record(b"path", path.encode())] if path else [])
    data = with_pax(b"".join(records) + bytes(zeros))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert list(found(data)[0]) == [entry.name for entry in archive if entry.isreg()]


def test_gnu_tar_lists_the_same(tmp_path: Path) -> None:
    data = headed([{}, {"comment": "x" * LONG}, {"path": "dir/" * 50 + "c.jpg"}])
    (tmp_path / "x.tar").write_bytes(data)
    listed = subprocess.run(["tar", "-tf", "x.tar"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert listed.stdout.split() == list(found(data)[0])


PEAK = """
from stages.download.tar import members
before = peak()
with open(sys.argv[1], "rb") as file:
    there = list(members(file))
print(len(there), sum(bool(one.fault) for one in there), peak() - before)
"""


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_four_gigabytes_fills_no_memory(kind: bytes, tmp_path: Path) -> None:
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, 4 << 30
    with open(tmp_path / "x.tar", "wb") as file:  # a file of holes
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.write(b"%d comment=" % header.size if kind != tarfile.GNUTYPE_LONGNAME else b"name")
        file.seek(BLOCK + header.size)
        file.write(packed(PHOTOS))
    assert os.stat(tmp_path / "x.tar").st_blocks * 512 < 1 << 20
    found, faults, mebibytes = printed(PEAK, str(tmp_path / "x.tar"))
    assert (found, faults) == (3, int(kind == tarfile.GNUTYPE_LONGNAME))
    assert mebibytes < 40
