"""Retry failed: request failed URLs once more (`run --retry-failed`), as new shards of a run that grows.

The old failure no longer counts: its row is removed from every step (pipeline/run/removal), so each URL still has
one row, and nothing that was embedded or searched is made again. Each action can be repeated after a kill:
the lists are stored beside what was fetched, and a run takes up every list that it has no task for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from manifests.draft import Draft
from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest, Removed
from manifests.storage import Folder
from pipeline.config.settings import Config
from pipeline.run.removal.intent import AGAIN, Intent
from pipeline.run.removal.without import check_steps, steps_held, without
from stages.download.fetch.outcomes import RetryWhen, retry_when
from stages.download.settings import UrlsSettings
from stages.download.urls.retry_failed import SCHEMA, ids_in, lists_of, mark, may_be_asked, write_lists
from stages.download.urls.table_listing import lists, table_uris

WHY = "asked for again, in new shards (--retry-failed)"


def asked_again(config: Config, run: Folder, said: Callable[[str], None], *, retry: bool) -> bool:
    """If `retry`, list failed URLs that may be available now; take up all lists and return whether there was one.

    Call it while only this driver owns the run, and resolve its steps again afterwards.
    """
    sources = [source for source in config.images.sources if isinstance(source, UrlsSettings)]
    taken_up = [_take_up(source, run) for source in sources]  # lists of an interrupted earlier retry, or of another run
    if retry:
        _list_all(sources, run, said)
        taken_up += [_take_up(source, run) for source in sources]
    return any(taken_up)


def finish(run: Folder) -> None:
    """Finish taking up a list where that was interrupted, if it was."""
    intent = Intent.read(run)
    if intent and intent.kind == AGAIN:
        without(run, intent.ids, Removed(intent.at, intent.why))
        intent.end(run)


def _list_all(sources: Sequence[UrlsSettings], run: Folder, said: Callable[[str], None]) -> None:
    if not sources:
        said("--retry-failed: no source is of kind urls, so there is nothing to ask for again")
    elif not (run / "images").has(COMMIT):
        said("--retry-failed: the images are not finished yet; they are made first")
    else:
        for source in sources:
            _list_what_failed(source, Manifest.open(run / "images"), said)


def _list_what_failed(source: UrlsSettings, images: Manifest, said: Callable[[str], None]) -> None:
    failed = list(_failed(source, images))
    tables = table_uris(source)
    due = may_be_asked(source, lists_of(source, tables))
    rows = [row for row in failed if row["image_id"] in due]
    told = f"{source.name}: {len(rows):,} of {len(failed):,} URLs that failed are asked for again"
    wait = f"; dead hosts and missing pages wait {source.fetch.again_after_h:g} hours"
    said(told + (wait if len(rows) < len(failed) else ""))
    if rows:
        write_lists(source, rows, tables)


def _failed(source: UrlsSettings, images: Manifest) -> Iterator[dict[str, Any]]:
    """Yield the rows of a source that failed in a way that may be temporary."""
    names = [name for name in SCHEMA.names if name in images.columns and name not in ("width", "height")]
    for batch in images.batches(["image_id", "source", "status", *names]):
        for row in batch.to_pylist():
            if row["source"] == source.name and retry_when(row["status"]) is not RetryWhen.NEVER:
                yield row


def _take_up(source: UrlsSettings, run: Folder) -> bool:
    """Remove the failed rows of URLs in lists that the run has no task for; return whether there were such lists."""
    if (plan := Draft.planned(run / "images")) is None:
        return False
    known = {task.get("table") for task in plan.tasks}
    try:
        new = [uri for uri in lists(source) if uri not in known]
    except Refused:  # the tables have been moved, which resolve.py allowed: nothing is fetched
        return False
    if new:
        check_steps(steps_held(run))
    for uri, ids in ids_in(source, new):
        Intent(AGAIN, tuple(sorted(ids)), WHY).begin(run)
        mark(source, ids, uri)
        finish(run)
    return bool(new)
