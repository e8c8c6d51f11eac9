"""Getting: the images of one list of URLs, fetched now or found where an earlier run put them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from manifests.errors import Refused
from manifests.storage import Folder
from stages.download.fetch.fetching import fetched
from stages.download.fetch.outcomes import OPTED_OUT
from stages.download.index import Index, index_of
from stages.download.opt_out import OptOut, entries
from stages.download.row import printable
from stages.download.settings import UrlsSettings
from stages.download.tar import Member
from stages.download.urls import fetched_table
from stages.download.urls.fetched_table import SUCCESS, TABLE, TAR, stem_of
from stages.download.urls.into import into_of

MISSING = "missing_from_tar"
WORK = "_fetching"  # what is not finished, beside what is


@dataclass(frozen=True)
class Outcome:
    """What became of one URL: a member of the tar, or why there is none."""

    status: str
    sentence: str
    member: Member | None = None


@dataclass(frozen=True)
class Got:
    """What became of a list: the tar, and each URL that counts here. The others were asked for again, or forgotten."""

    uri: str = ""
    index: Index = field(default_factory=Index)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    asked_again: int = 0
    forgotten: int = 0


def got(source: UrlsSettings, urls: Sequence[str], listed: str = "") -> Got:
    """Fetch a list of URLs into `into`, unless it is there. Raises TooFewFetched as fetch.fetching does.

    `listed`: the name of the list of what failed before, of which any number may fail again.
    """
    if not urls:
        return Got()
    into, stem = into_of(source), stem_of(source.name, urls, source.resize, listed)
    if not into.has(stem + TABLE):
        with _work(into, stem) as (scratch, journal):
            least = 0.0 if listed else source.fetch.min_fetched
            outcomes = fetched(urls, source.fetch, source.resize, scratch, journal, least)
            with into.aside(stem + TAR) as path:
                shutil.move(scratch / "images.tar", path)
            fetched_table.write(into, stem, urls, outcomes, listed)  # the last: whoever finds it finds the tar
            journal.unlink(missing_ok=True)
    return _read(source, into, stem, len(urls))


@contextmanager
def _work(into: Folder, stem: str) -> Iterator[tuple[Path, Path]]:
    """A folder for the work and the journal's path, which are no other process's; the journal outlives a kill.

    Beside the tars on a disk; for a bucket under TMPDIR. Raises Refused where another process fetches the list.
    """
    here = Path(tempfile.gettempdir()) / f"blindpairs-fetching-{os.getuid()}"
    top = (into.local or here) / WORK
    top.mkdir(parents=True, exist_ok=True)
    with (top / f"{stem}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another process fetches {into.url}/{stem}; wait until it is done") from None
        scratch = top / stem
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch, top / f"{stem}.journal"
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    (top / f"{stem}.lock").unlink(missing_ok=True)


def _read(source: UrlsSettings, into: Folder, stem: str, asked: int) -> Got:
    table, uri = fetched_table.read(into, stem + TABLE), (into / (stem + TAR)).url
    index = index_of(uri)
    members = {member.name.rpartition(".")[0]: member for member in index.pictures}
    opt_out = entries(source.fetch.opt_out) if source.fetch.opt_out else OptOut(frozenset(), frozenset())
    rows = table.to_pylist()
    outcomes = {
        row["url"]: _outcome(row, members.get(row["key"]), opt_out, index, uri) for row in rows if not row["again_in"]
    }
    return Got(uri, index, outcomes, sum(1 for row in rows if row["again_in"]), asked - len(rows))


def _outcome(row: Mapping[str, str | None], member: Member | None, opt_out: OptOut, index: Index, uri: str) -> Outcome:
    if row["url"] in opt_out.urls or row["sha256"] in opt_out.sha256:
        return Outcome(OPTED_OUT, "it is on the opt-out list")
    if row["status"] != SUCCESS:
        return Outcome(str(row["status"]), printable(row["error_message"] or "no more is known"))
    if member is None:
        why = index.damage.sentence if index.damage else "the tar is whole but holds no such member"
        return Outcome(MISSING, f"it was fetched, but {uri} does not hold it: {why}")
    return Outcome(SUCCESS, "", member)
