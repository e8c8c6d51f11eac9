"""Fetching: a list of URLs in, a tar of images and one outcome for every URL out.

img2dataset does the work, in a process of its own (child.py), behind a guard through which every byte comes
(guard.py). That process writes each outcome into a journal first, so that after a kill only the URLs whose answers
were still on their way are requested again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa

from manifests.tables import OK
from stages.download.fetch.addresses import Allowed
from stages.download.fetch.child import OF_THE_MACHINE, Job
from stages.download.fetch.engine import SHARD
from stages.download.fetch.journal import Outcome, keep_fetched
from stages.download.fetch.opt_out import OptOut, entries
from stages.download.fetch.outcomes import OPTED_OUT, ROBOTS, SENTENCES, FetchFailed, TooFewFetched
from stages.download.fetch.reconciling import reconciled
from stages.download.fetch.settings import FetchSettings
from stages.download.fetch.targets import url_key

IMAGES = "images.tar"
LOG = "fetch.log"
ROOT = Path(__file__).parents[3]
# albumentations checks the network for updates at import
QUIET = {"NO_ALBUMENTATIONS_UPDATE": "1", "WANDB_MODE": "disabled"}
COLUMNS = pa.schema([(name, pa.string()) for name in ("key", "status", "error", "sha256", "asked_at")])
LAST_LINES = 5


def fetched(
    urls: Sequence[str],
    settings: FetchSettings,
    resize: int | None,
    scratch: Path,
    journal: Path,
    min_fetched: float,
    unwanted: Collection[str] = (),
) -> pa.Table:
    """Fetch each URL once and leave a complete IMAGES in `scratch`, with the images that were fetched.

    `resize`: None leaves the bytes as served; N brings a shorter side beyond N pixels to N. `journal`: file of what
    was fetched, to be kept until the tar is safe; for one process at a time. `unwanted`: opted-out URLs, in addition to
    those on the opt-out list.

    Returns a row for each URL, in their order (COLUMNS, all strings): `key` is the member's stem in the tar, set for
    every URL; `status` is "ok" or the reason in one word (outcomes.py), `error` the reason in a sentence; `sha256` is
    that of the bytes as served, null if they did not arrive completely; `asked_at` is UTC, ISO, to the second. A URL
    that is named twice is fetched once, and both rows have its key.

    Raises TooFewFetched if under `min_fetched` of the URLs were fetched (opted-out and forbidden ones not counted), and
    leaves only images in the journal; FetchFailed if the process died or its results are inconsistent; Refused for
    an opt-out list or an `allow` that cannot be read; OSError if this machine lacks something (a full disk).
    """
    Allowed(settings.allow)
    opted = entries(settings.opt_out, with_image_ids=True) if settings.opt_out else OptOut()
    opted = replace(opted, urls=opted.urls | {url_key(url) for url in unwanted})
    order = _mixed(dict.fromkeys(urls))
    found = _fetched(order, settings, opted, resize, scratch, journal) if order else {}
    if order:
        os.replace(scratch / f"{SHARD}.tar", scratch / IMAGES)
        _check_enough((outcome for _, outcome in found.values()), min_fetched, journal)
    else:
        tarfile.open(scratch / IMAGES, "w").close()
    return pa.Table.from_pylist([_row(*found[url]) for url in urls], schema=COLUMNS)


def _row(key: str, outcome: Outcome) -> dict[str, str | None]:
    return {"key": key} | {name: getattr(outcome, name) for name in COLUMNS.names if name != "key"}


def _mixed(urls: Iterable[str]) -> list[str]:
    """Order URLs by taking one from each host in turn, so that the threads do not all wait for one host's slots."""
    turns = Counter[str]()
    ranked = []
    for url in urls:
        host = url.split("/", 3)[2:3]
        site = host[0].lower() if host else ""
        ranked.append((turns[site], url))
        turns[site] += 1
    return [url for _, url in sorted(ranked, key=lambda ranks: ranks[0])]


def _fetched(
    urls: list[str], settings: FetchSettings, opted: OptOut, resize: int | None, scratch: Path, journal: Path
) -> Mapping[str, tuple[str, Outcome]]:
    job = Job(
        urls=urls,
        settings=settings.model_dump(mode="json"),
        resize=resize,
        folder=str(scratch),
        journal=str(journal),
        opted_urls=sorted(opted.urls),
        opted_sha256=sorted(opted.sha256),
        parent=os.getpid(),
    )
    _run(job, scratch / LOG)
    try:
        return reconciled(urls, scratch, as_served=resize is None)
    except (FetchFailed, FileNotFoundError, ValueError, pa.ArrowException) as error:
        remedy = "the next run makes the shard again from what was fetched"
        raise FetchFailed(f"{error}; {_last_words(scratch / LOG)}; {remedy}") from error


def _run(job: Job, log: Path) -> None:
    """Run the job in a child process, which outlives neither this call nor this process."""
    command = [sys.executable, "-P", "-m", "stages.download.fetch.child"]
    with open(log, "wb") as said:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=_environment())
    assert child.stdin is not None
    try:
        try:
            child.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            child.kill()  # it is dead or dying; its last words say why
        code = child.wait()
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
    _check_ended(code, log)


def _environment() -> dict[str, str]:
    """Return this process's environment; modules are found in the same places, in the same order."""
    return {**os.environ, **QUIET, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(ROOT)])}


def _check_ended(code: int, log: Path) -> None:
    if code in OF_THE_MACHINE:
        raise OSError(code, f"{os.strerror(code)}, while URLs were fetched")
    if code:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise FetchFailed(f"the process that fetches {how}; {_last_words(log)}; the next run goes on where it was")


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    last = [line.strip() for line in lines if line.strip()][-LAST_LINES:]
    return f"its last words: {' | '.join(last)}" if last else "it said nothing"


def _check_enough(outcomes: Iterable[Outcome], min_fetched: float, journal: Path) -> None:
    counted = Counter(outcome.status for outcome in outcomes)
    asked = counted.total() - counted.pop(OPTED_OUT, 0) - counted.pop(ROBOTS, 0)
    came = counted.pop(OK, 0)
    if came >= min_fetched * asked:
        return
    keep_fetched(journal)
    reasons = "; ".join(f"{count} {word} ({SENTENCES.get(word, word)})" for word, count in counted.most_common(3))
    raise TooFewFetched(
        f"{came} of {asked} URLs could be fetched, fewer than fetch.min_fetched ({min_fetched:g}): {reasons}; "
        "the next run asks again for what failed, and keeps what was fetched"
    )
