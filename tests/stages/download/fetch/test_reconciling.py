"""What img2dataset leaves is believed only where guard, table, counts and tar tell one story."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.web import web

from stages.download.fetch.fetching import fetched
from stages.download.fetch.outcomes import FetchFailed
from stages.download.fetch.reconciling import reconciled
from stages.download.fetch.settings import FetchSettings

PATHS = ("good/1.jpg", "good/2.jpg", "status/404/3.jpg")


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """The URLs of a sound fetch, and all that the process left."""
    folder = tmp_path_factory.mktemp("fetch")
    with web(folder) as site:
        urls = [site.url(path) for path in PATHS]
        how = FetchSettings(contact="me@example.org", allow=("127.0.0.2",))
        fetched(urls, how, None, folder, folder / "journal", 0)
    (folder / "images.tar").rename(folder / "0.tar")
    return urls, folder


def rows(folder: Path, change: Callable[[list[dict[str, object]]], None]) -> None:
    table = pq.read_table(folder / "0.parquet")
    values = table.to_pylist()
    change(values)
    pq.write_table(pa.Table.from_pylist(values, table.schema), folder / "0.parquet")


def outcomes(folder: Path, change: Callable[[list[str]], None]) -> None:
    lines = (folder / "outcomes.jsonl").read_text().splitlines(keepends=True)
    change(lines)
    (folder / "outcomes.jsonl").write_text("".join(lines))


def stats(folder: Path) -> None:
    values = json.loads((folder / "0_stats.json").read_text())
    (folder / "0_stats.json").write_text(json.dumps({**values, "successes": 3}))


def cut(folder: Path, length: int) -> None:
    """To so many bytes, or without so many."""
    path = folder / "0.tar"
    path.write_bytes(path.read_bytes()[:length])


def tar_of(folder: Path, keep: Callable[[str], bool], shorten: int = 0) -> None:
    """The same tar, but for the members that `keep` is not for, and each image shorter."""
    with tarfile.open(folder / "0.tar") as old, tarfile.open(folder / "new.tar", "w") as new:
        for member in [member for member in old if keep(member.name)]:
            member.size -= shorten * member.name.endswith(".jpg")
            new.addfile(member, old.extractfile(member.name))
    (folder / "new.tar").rename(folder / "0.tar")


def last_twice(values: list[dict[str, object]]) -> None:
    values[0] = values[1]


def success(values: list[dict[str, object]]) -> None:
    for value in values:
        value.update(status="success", error_message=None)


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a URL without an answer": (lambda folder: outcomes(folder, lambda lines: lines.pop()), "2 answered"),
    "a URL without a row": (lambda folder: rows(folder, lambda values: values.pop()), "2 written down"),
    "a key twice": (lambda folder: rows(folder, last_twice), "3 written down"),
    "a failure called success": (lambda folder: rows(folder, success), "answered with not_found"),
    "counts that are others": (stats, "successes 3 for 2"),
    "a tar without its end": (lambda folder: cut(folder, 4096), "damaged"),
    "a tar cut in a member": (lambda folder: cut(folder, 700), "damaged"),
    "an image that is missing": (lambda folder: tar_of(folder, lambda name: name != "00.jpg"), "members should be"),
    "an image of another length": (lambda folder: tar_of(folder, lambda name: True, 5), "another length"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_add_up_is_told(left: tuple[list[str], Path], tmp_path: Path, fault: str) -> None:
    urls, folder = left
    shutil.copytree(folder, tmp_path / "left")
    damage, said = FAULTS[fault]
    assert len(reconciled(urls, tmp_path / "left", as_served=True)) == 3
    damage(tmp_path / "left")
    with pytest.raises(FetchFailed, match=said):
        reconciled(urls, tmp_path / "left", as_served=True)
