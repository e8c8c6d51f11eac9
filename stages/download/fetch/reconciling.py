"""Reconciling: what the guard answered, what img2dataset wrote and what the tar contains must agree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from manifests.tables import OK
from stages.download.fetch.child import OUTCOMES
from stages.download.fetch.engine import SHARD
from stages.download.fetch.journal import Outcome
from stages.download.fetch.outcomes import ROBOTS, UNREADABLE, FetchFailed
from stages.download.tar import Damage, Member, members

SUCCESS, NOT_DOWNLOADED, NOT_RESIZED = "success", "failed_to_download", "failed_to_resize"
THEIR_ROBOTS = "Use of image disallowed by X-Robots-Tag directive"
ENDINGS = ("jpg", "json")


def reconciled(urls: Sequence[str], folder: Path, as_served: bool) -> dict[str, tuple[str, Outcome]]:
    """Return URL -> its key and its final outcome. Raises FetchFailed if anything is inconsistent."""
    answered = _answered(folder / OUTCOMES)
    rows = pq.read_table(folder / f"{SHARD}.parquet", columns=["key", "url", "status", "error_message"]).to_pylist()
    if set(answered) != set(urls) or sorted(int(row["key"]) for row in rows) != list(range(len(urls))):
        raise FetchFailed(f"{len(urls)} URLs were asked for, {len(answered)} answered, {len(rows)} written down")
    found = {}
    for row in rows:
        if urls[int(row["key"])] != row["url"]:
            raise FetchFailed(f"img2dataset's row {row['key']} is not of its URL, but of {row['url']}")
        found[row["url"]] = row["key"], _in_the_end(answered[row["url"]], row)
    _check_stats(json.loads((folder / f"{SHARD}_stats.json").read_text()), rows)
    lying = {key: outcome.length for key, outcome in found.values() if outcome.status == OK}
    _check_tar(folder / f"{SHARD}.tar", lying, as_served)
    return found


def _answered(path: Path) -> dict[str, Outcome]:
    with open(path) as file:
        outcomes = [Outcome(**json.loads(line)) for line in file]
    return {outcome.url: outcome for outcome in outcomes}


def _in_the_end(outcome: Outcome, row: Mapping[str, Any]) -> Outcome:
    """Return the guard's outcome, unless img2dataset had a reason of its own. Raises FetchFailed if they disagree."""
    status, why = row["status"], row["error_message"]
    if status == (SUCCESS if outcome.status == OK else NOT_DOWNLOADED) and why in (None, outcome.status):
        return outcome
    if outcome.status == OK and status == NOT_RESIZED:
        return replace(outcome, status=UNREADABLE, error=f"img2dataset cannot resize it: {why}", length=0)
    if outcome.status == OK and status == NOT_DOWNLOADED and why == THEIR_ROBOTS:
        return replace(outcome, status=ROBOTS, error=why, length=0)
    raise FetchFailed(f"{outcome.url}: it was answered with {outcome.status}, img2dataset says {status}: {why}")


def _check_stats(stats: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    counted = Counter(row["status"] for row in rows)
    said = {"count": len(rows), "successes": counted[SUCCESS]}
    said |= {NOT_DOWNLOADED: counted[NOT_DOWNLOADED], NOT_RESIZED: counted[NOT_RESIZED]}
    if wrong := [f"{name} {stats.get(name)} for {count}" for name, count in said.items() if stats.get(name) != count]:
        raise FetchFailed(f"img2dataset's _stats.json says {', '.join(wrong)}")


def _check_tar(path: Path, lying: Mapping[str, int], as_served: bool) -> None:
    """Check that a tar is complete and holds exactly the expected images, with their lengths where these are known."""
    with open(path, "rb") as file:
        found = list(members(file))
    if damage := [one for one in found if isinstance(one, Damage)]:
        raise FetchFailed(f"the tar img2dataset made is damaged: {damage[0].sentence}")
    held = [one for one in found if isinstance(one, Member)]
    expected = sorted(f"{key}.{ending}" for key in lying for ending in ENDINGS)
    if sorted(one.name for one in held) != expected:
        raise FetchFailed(f"{len(expected)} members should be in the tar img2dataset made, {len(held)} are, or others")
    lengths = {one.name: one.length for one in held}
    if as_served and any(lengths[f"{key}.{ENDINGS[0]}"] != length for key, length in lying.items()):
        raise FetchFailed("the tar img2dataset made holds images of another length than was served")
