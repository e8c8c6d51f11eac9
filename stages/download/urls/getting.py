"""Getting: the images of one list of URLs, fetched now or found where an earlier run put them."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from manifests.storage import Folder
from manifests.tables import image_id
from stages.download.fetch.fetching import fetched
from stages.download.fetch.opt_out import OptOut, entries
from stages.download.fetch.outcomes import OPTED_OUT
from stages.download.fetch.own_folder import own_folder
from stages.download.fetch.targets import url_key
from stages.download.index import Index, index_of
from stages.download.row import printable
from stages.download.settings import UrlsSettings
from stages.download.tar import Member
from stages.download.urls import fetched_table
from stages.download.urls.fetched_table import SUCCESS, TABLE, TAR
from stages.download.urls.output_folder import fetchings_of, into_of, new_fetching, stem_of
from stages.download.urls.table_listing import lists

MISSING = "missing_from_tar"
ON_THE_LIST = "it stands on the opt-out list"
WORK = "_fetching"  # the folder of unfinished work, beside what is finished
FileRow = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of one URL: a member of the tar, or why there is none."""

    status: str
    sentence: str
    member: Member | None = None


@dataclass(frozen=True)
class Got:
    """What became of a list: the tar, and each URL that counts here. The others were requested again, or forgotten."""

    uri: str = ""
    index: Index = field(default_factory=Index)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    opted: OptOut = field(default_factory=OptOut)
    asked_again: int = 0
    forgotten: int = 0


def opted_out(source: UrlsSettings) -> OptOut:
    """Read the source's opt-out list. Raises Refused if it cannot be read."""
    return entries(source.fetch.opt_out, with_image_ids=True) if source.fetch.opt_out else OptOut()


def got(source: UrlsSettings, urls: Sequence[str], listed: str = "") -> Got:
    """Fetch a list of URLs into `into`, unless it is already there. Raises TooFewFetched as fetch.fetching does.

    `listed`: the name of the list of URLs that failed before, any number of which may fail again.
    """
    if not urls:
        return Got()
    into, stem = into_of(source), stem_of(source, urls, listed)
    if not fetchings_of(into, stem):
        with _work(into, stem) as (scratch, journal):
            if not fetchings_of(into, stem):  # it may be there now, from the process that held the lock
                _fetch(source, urls, listed, scratch, journal)
            journal.unlink(missing_ok=True)
    return _read(source, fetchings_of(into, stem)[0], len(urls))


def _fetch(source: UrlsSettings, urls: Sequence[str], listed: str, scratch: Path, journal: Path) -> None:
    opted, into = opted_out(source), into_of(source)
    unwanted = [url for url in urls if image_id(source.name, url) in opted.image_ids]
    least = 0.0 if listed else source.fetch.min_fetched
    outcomes = fetched(urls, source.fetch, source.resize, scratch, journal, least, unwanted)
    name = new_fetching(stem_of(source, urls, listed))
    into.sweep_left()  # a killed process's copy of a tar may hold images that were forgotten since then
    into.move_in(name + TAR, scratch / "images.tar")
    fetched_table.write(into, name + TABLE, urls, outcomes, listed)  # written last: where it exists, the tar does


@contextmanager
def _work(into: Folder, stem: str) -> Iterator[tuple[Path, Path]]:
    """Yield a work folder and the journal's path, for this process alone; the journal survives a kill.

    They are beside the tars on a disk; for a bucket, in this user's folder under TMPDIR. Waits for another process of
    this machine that fetches the same list.
    """
    top = into.local / WORK if into.local else own_folder("fetching")
    top.mkdir(parents=True, exist_ok=True)
    with (top / f"{stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        scratch = top / stem
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch, top / f"{stem}.journal"
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _read(source: UrlsSettings, name: str, asked: int) -> Got:
    into, opted = into_of(source), opted_out(source)
    rows, uri = fetched_table.read(into, name).to_pylist(), (into / (name.removesuffix(TABLE) + TAR)).url
    counting = _counting(source, rows)
    index = index_of(uri)
    members = {member.name.rpartition(".")[0]: member for member in index.pictures}
    outcomes = {row["url"]: _outcome(row, members.get(row["key"]), index, uri) for row in counting}
    outcomes |= {row["url"]: Outcome(OPTED_OUT, ON_THE_LIST) for row in counting if _is_opted(source, row, opted)}
    return Got(uri, index, outcomes, opted, len(rows) - len(counting), asked - len(rows))


def _counting(source: UrlsSettings, rows: Sequence[FileRow]) -> Sequence[FileRow]:
    """Return the rows that are requested again in none of the lists that count for this source."""
    if not any(row["again_in"] for row in rows):
        return rows
    taken = {uri.rpartition("/")[2] for uri in lists(source)}
    return [row for row in rows if not taken & set((row["again_in"] or "").split())]


def _is_opted(source: UrlsSettings, row: FileRow, opted: OptOut) -> bool:
    url = row["url"] or ""
    by_url = bool(opted.urls) and url_key(url) in opted.urls
    return by_url or row["sha256"] in opted.sha256 or image_id(source.name, url) in opted.image_ids


def _outcome(row: FileRow, member: Member | None, index: Index, uri: str) -> Outcome:
    if row["status"] != SUCCESS:
        return Outcome(str(row["status"]), printable(row["error_message"] or "no more is known"))
    if member is None:
        why = index.damage.sentence if index.damage else "the tar is whole but holds no such member"
        return Outcome(MISSING, f"it was fetched, but {uri} does not hold it: {why}")
    return Outcome(SUCCESS, "", member)
