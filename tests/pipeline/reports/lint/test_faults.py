"""Every fault that lint knows, planted in a clean source, is found by its code; and nothing in the clean ones."""

from __future__ import annotations

import gzip
import json
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world.downloads import as_nobody
from world.fetches import write_fetched
from world.pictures import bomb, encoded, jpeg, picture, rotated_by_exif
from world.sources import CLEAN, Members, entries, fetched_folder, hub, photos, tars, urls
from world.tars import end_of, packed, with_entry

from pipeline.findings import Severity
from pipeline.reports.lint.codes import CODES
from pipeline.reports.lint.lint import lint

Plant = Callable[[Path], None]


def findings(source: Path | str, draw: str = "all") -> dict[str, dict]:
    """The first finding of each code, as a program reads them."""
    answer = lint(str(source), draw, 0).to_json()
    return {finding["code"]: finding for finding in reversed(answer["findings"])}


def repacked(change: Callable[[Members], Members]) -> Plant:
    """The first tar with other members."""

    def plant(folder: Path) -> None:
        (folder / "00000.tar").write_bytes(packed(change(entries(0))))

    return plant


def rewritten(change: Callable[[bytes], bytes]) -> Plant:
    """The first tar with other bytes."""

    def plant(folder: Path) -> None:
        tar = folder / "00000.tar"
        tar.write_bytes(change(tar.read_bytes()))

    return plant


def replaced(name: str, data: bytes) -> Plant:
    return repacked(lambda members: [(one, data if one == name else old) for one, old in members])


def renamed(old: str, new: str) -> Plant:
    return repacked(lambda members: [(new if one == old else one, data) for one, data in members])


def without(name: str) -> Plant:
    return repacked(lambda members: [(one, data) for one, data in members if one != name])


def ribbon() -> bytes:
    """An image that is 150 times as wide as it is high."""
    return encoded(picture(1, 300, 2), "PNG")


def linked(kind: bytes) -> Plant:
    def plant(folder: Path) -> None:
        entry = tarfile.TarInfo("00009.jpg")
        entry.type, entry.linkname = kind, "00000.jpg"
        (folder / "00000.tar").write_bytes(with_entry(entry, entries(0)))

    return plant


def long_name(folder: Path) -> None:
    members = [*entries(0), ("d" * (1 << 20) + ".jpg", jpeg(99))]
    (folder / "00000.tar").write_bytes(packed(members, tarfile.GNU_FORMAT))


# code -> where it is found, and how it comes about
IN_TARS: list[tuple[str, str, Plant]] = [
    ("truncated", "00000.tar", rewritten(lambda tar: tar[: end_of(tar)])),
    ("truncated", "00000.tar", rewritten(lambda tar: tar[: end_of(tar) // 2])),
    ("data_after_end", "00000.tar", rewritten(lambda tar: tar + packed(entries(30)))),
    ("compressed", "00000.tar", rewritten(gzip.compress)),
    ("compressed", "00000.tar", rewritten(lzma.compress)),
    ("not_a_tar", "00000.tar", rewritten(lambda tar: b"<html>no such page</html>" * 100)),
    ("not_a_tar", "00000.tar", rewritten(lambda tar: b"")),
    ("duplicate_key", "00001.jpg", repacked(lambda members: [*members, ("00001.jpg", jpeg(99))])),
    ("scattered_key", "00000", repacked(lambda members: [*members[1:], members[0]])),
    ("key_in_two_tars", "00010.jpg", renamed("00000.jpg", "00010.jpg")),
    ("dots_in_name", "dog.left.jpg", renamed("00000.jpg", "dog.left.jpg")),
    ("missing_caption", "00002.jpg", without("00002.txt")),
    ("lone_sidecar", "00002.txt", without("00002.jpg")),
    ("empty", "00001.jpg", replaced("00001.jpg", b"")),
    ("empty_member", "00001.txt", replaced("00001.txt", b"")),
    ("not_an_image", "00001.jpg", replaced("00001.jpg", b"<html>gone</html>")),
    ("undecodable", "00001.jpg", replaced("00001.jpg", jpeg(1)[:400])),
    ("too_large", "00001.png", repacked(lambda members: [*members, ("00001.png", bomb())])),
    ("too_narrow", "00001.png", repacked(lambda members: [*members, ("00001.png", ribbon())])),
    ("same_bytes", "00001.jpg", replaced("00001.jpg", jpeg(0))),
    ("same_bytes", "00010.jpg", replaced("00001.jpg", jpeg(10))),
    ("wrong_extension", "00001.jpg", replaced("00001.jpg", encoded(picture(50), "PNG"))),
    ("turned", "00001.jpg", replaced("00001.jpg", rotated_by_exif())),
    ("no_own_bytes", "00009.jpg", linked(tarfile.SYMTYPE)),
    ("no_own_bytes", "00009.jpg", linked(tarfile.LNKTYPE)),
    ("long_name", "d" * 100 + "..." + "d" * 95 + ".jpg", long_name),
    ("unread_image", "00001.jxl", renamed("00001.jpg", "00001.jxl")),
    ("unread_image", "00001.jfif", renamed("00001.jpg", "00001.jfif")),
    ("unread_image", "00001", renamed("00001.jpg", "00001")),
    ("bad_json", "00001.json", replaced("00001.json", b'{"place": ')),
    ("bad_json", "00001.json", replaced("00001.json", b"[1, 2]")),
    ("not_utf8", "00001.txt", replaced("00001.txt", b"caf\xe9")),
    ("long_sidecar", "00001.txt", replaced("00001.txt", b"a" * (1 << 21))),
    ("no_images", "00000.tar", repacked(lambda members: [one for one in members if one[0].endswith("txt")])),
    ("unsafe_name", "../00000.jpg", renamed("00000.jpg", "../00000.jpg")),
    ("unsafe_name", "/etc/00000.jpg", renamed("00000.jpg", "/etc/00000.jpg")),
    ("aside", "photo.jpg", lambda folder: (folder / "photo.jpg").write_bytes(jpeg(77)) and None),
]  # fmt: skip


def table_changed(change: Callable[[list[dict]], list[dict]]) -> Plant:
    def plant(folder: Path) -> None:
        table = pq.read_table(folder / "00000.parquet")
        pq.write_table(
            type(table).from_pylist(change(table.to_pylist()), schema=table.schema), folder / "00000.parquet"
        )

    return plant


def stats_changed(**changes: object) -> Plant:
    def plant(folder: Path) -> None:
        stats = folder / "00000_stats.json"
        stats.write_text(json.dumps(json.loads(stats.read_text()) | changes))

    return plant


def written(name: str, data: bytes) -> Plant:
    return lambda folder: (folder / name).write_bytes(data) and None


def removed(name: str) -> Plant:
    return lambda folder: (folder / name).unlink()


def tar_without(key: str) -> Plant:
    def plant(folder: Path) -> None:
        write_fetched(folder / "less", [one for one in urls(0) if one[0]["key"] != key])
        (folder / "less" / "00000.tar").replace(folder / "00000.tar")
        for path in (folder / "less").iterdir():
            path.unlink()

    return plant


def all_failed(folder: Path) -> None:
    write_fetched(folder, urls(0, good=0, bad=4), "00000")


def key_twice(folder: Path) -> None:
    write_fetched(folder, urls(10), "00000")


IN_FETCHED: list[tuple[str, str, Plant]] = [
    ("stats_disagree", "00000.tar", stats_changed(successes=4)),
    ("stats_disagree", "00000.tar", stats_changed(count=5)),
    ("stats_disagree", "00000.tar", tar_without("000000001")),
    ("table_disagrees", "000000001", tar_without("000000001")),
    ("table_disagrees", "000000001", table_changed(lambda rows: [row for row in rows if row["key"] != "000000001"])),
    ("unfinished", "00000.tar", removed("00000.parquet")),
    ("unfinished", "00000.tar", removed("00000_stats.json")),
    ("unfinished", "00000.parquet", removed("00000.tar")),
    ("all_failed", "00000.tar", all_failed),
    ("bad_table", "00000.tar", written("00000.parquet", b"PAR1 and then nothing")),
    ("bad_stats", "00000.tar", written("00000_stats.json", b"{")),
    ("foreign_json", "notes.json", written("notes.json", b"{}")),
    ("key_in_two_tars", "000000010.jpg", key_twice),
]

IN_FOLDERS: list[tuple[str, str, Plant]] = [
    ("empty", "0.JPG", written("0.JPG", b"")),
    ("not_an_image", "0.JPG", written("0.JPG", b"<html>")),
    ("undecodable", "0.JPG", written("0.JPG", jpeg(0)[:400])),
    ("wrong_extension", "0.JPG", written("0.JPG", encoded(picture(50), "WEBP", lossless=True))),
    ("same_bytes", "below/1.JPG", written("0.JPG", jpeg(1))),
    ("unread_image", "photo.JXL", written("photo.JXL", b"JXL ")),
    ("unreadable", "gone.jpg", lambda folder: (folder / "gone.jpg").symlink_to("nowhere")),
]


@pytest.mark.parametrize("form", CLEAN)
def test_nothing_is_found_in_a_clean_source(form: str, tmp_path: Path) -> None:
    answer = lint(str(CLEAN[form](tmp_path / "source")), "all", 0)
    assert (answer.kind, answer.to_json()["findings"], answer.wrong) == (form, [], False)
    assert answer.images == answer.decoded > 3


def urls_alone(folder: Path) -> None:
    table = pa.table({"URL": [b"http://localhost/1.jpg"], "TEXT": ["one"], "hash": [7]})
    pq.write_table(table, folder / "laion-00000.parquet")


IN_PARQUET: list[tuple[str, str, Plant]] = [("urls_alone", "laion-00000.parquet", urls_alone)]


@pytest.mark.parametrize(("code", "where", "plant"), IN_TARS)
def test_a_fault_in_a_tar_is_found(code: str, where: str, plant: Plant, tmp_path: Path) -> None:
    plant(tars(tmp_path / "source"))
    check(findings(tmp_path / "source"), code, where)


@pytest.mark.parametrize(("code", "where", "plant"), IN_FETCHED)
def test_a_fault_in_what_img2dataset_left_is_found(code: str, where: str, plant: Plant, tmp_path: Path) -> None:
    plant(fetched_folder(tmp_path / "source"))
    check(findings(tmp_path / "source"), code, where)


@pytest.mark.parametrize(("code", "where", "plant"), IN_FOLDERS)
def test_a_fault_in_a_folder_is_found(code: str, where: str, plant: Plant, tmp_path: Path) -> None:
    plant(photos(tmp_path / "source"))
    check(findings(tmp_path / "source"), code, where)


@pytest.mark.parametrize(
    ("code", "data"),
    [("empty", None), ("not_an_image", b"<html>"), ("undecodable", jpeg(1)[:400]), ("same_bytes", jpeg(0))],
)
def test_a_fault_in_a_parquet_is_found(code: str, data: bytes | None, tmp_path: Path) -> None:
    found = findings(hub(tmp_path / "source", [jpeg(0), jpeg(2), jpeg(3), data]))
    check(found, code, "3.jpg")


@pytest.mark.parametrize(("code", "where", "plant"), IN_PARQUET)
def test_a_parquet_of_another_kind_is_found(code: str, where: str, plant: Plant, tmp_path: Path) -> None:
    plant(hub(tmp_path / "source"))
    found = findings(tmp_path / "source")
    check(found, code, where)
    assert set(found) == {code}


def check(found: dict[str, dict], code: str, where: str) -> None:
    """The fault is there, at its place, in a sentence; `unfinished` and `truncated` bring others along."""
    assert code in found, found
    assert where in (found[code]["file"], found[code]["member"]), found[code]
    assert found[code]["sentence"].endswith(CODES[code].remedy)
    assert found[code]["severity"] == CODES[code].severity


def test_every_code_is_planted_somewhere() -> None:
    planted = {code for code, _, _ in [*IN_TARS, *IN_FETCHED, *IN_FOLDERS, *IN_PARQUET]}
    assert planted == CODES.keys()


def test_a_fault_that_brings_no_other_is_the_only_finding(tmp_path: Path) -> None:
    alone = (
        "duplicate_key",
        "scattered_key",
        "missing_caption",
        "not_utf8",
        "same_bytes",
        "wrong_extension",
        "empty_member",
    )
    for place, (code, _, plant) in enumerate(one for one in IN_TARS if one[0] in alone):
        plant(tars(tmp_path / str(place)))
        assert set(findings(tmp_path / str(place))) == {code}


def test_a_tar_that_may_not_be_read_is_a_finding_and_the_others_are_read(open_folder: Path) -> None:
    folder = tars(open_folder / "source")
    (folder / "00000.tar").chmod(0)
    with as_nobody():
        answer = lint(str(folder), "none", 0)
    assert [finding.code for group in answer.findings.groups() for finding in group.first] == ["unreadable"]
    assert answer.images == 4


WHOLE = packed(entries(0))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(length=st.integers(0, end_of(WHOLE) + 511))
def test_a_clean_tar_cut_anywhere_before_its_end_mark_is_found(length: int, tmp_path: Path) -> None:
    (tmp_path / "00000.tar").write_bytes(WHOLE[:length])
    answer = lint(str(tmp_path / "00000.tar"), "none", 0)
    assert answer.wrong
    assert {"truncated", "not_a_tar"} & {group.kind.name for group in answer.findings.groups()}


def test_only_an_error_is_wrong(tmp_path: Path) -> None:
    without("00002.txt")(tars(tmp_path / "source"))
    answer = lint(str(tmp_path / "source"), "none", 0)
    assert (answer.wrong, answer.errors, answer.warnings) == (False, 0, 1)
    assert CODES["missing_caption"].severity is Severity.WARNING
