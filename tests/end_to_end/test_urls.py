"""Two thousand URLs from a web that behaves badly: one row for each with its reason, again, and after a kill."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from world.commands import blindpairs, started
from world.patient import patient
from world.processes import PATIENCE_S, until
from world.runs import recipe
from world.web import Site, web

from manifests.manifest import Manifest
from manifests.storage import Folder

GOOD = 1200
# what a path does -> how its URL ends at first, and when it is asked for again
ENDS = {
    "status/404/{}.jpg": ("not_found", None),
    "status/403/{}.jpg": ("forbidden", None),
    "flaky/{}.jpg": ("server_error", "ok"),
    "hang/{}.jpg": ("timeout", "timeout"),
    "drip-headers/{}.jpg": ("timeout", "timeout"),
    "drip-body/{}.jpg": ("timeout", "timeout"),
    "loop/{}.jpg": ("too_many_redirects", None),
    "hops/2/{}.jpg": ("ok", None),
    "to/{}.jpg?http://127.0.0.1:9/x.jpg": ("private_address", None),
    "html/{}.jpg": ("not_an_image", None),
    "page/{}.jpg": ("not_an_image", None),
    "cut/{}.jpg": ("cut_short", "cut_short"),
    "gzip/{}.jpg": ("encoded", None),
    "huge/{}.jpg": ("too_large", None),
    "endless/{}.jpg": ("too_large", None),
    "noai/{}.jpg": ("robots", None),
    "noai-hidden/{}.jpg": ("robots", None),
    "wide-header/{}.jpg": ("bad_answer", None),
    "grüße/{}.jpg": ("ok", None),
    "good/{}.jpg#again": ("duplicate_url", None),
}


def listed(site: Site, good: int, each: int) -> dict[str, tuple[str, str | None]]:
    """URL -> how it ends; a URL that stands twice ends with "#again" here, and only here."""
    ends: dict[str, tuple[str, str | None]] = {}
    for number in range(good):
        ends[site.url(f"{'good' if number < 3 * good // 4 else 'photo'}/{number}.jpg")] = ("ok", None)
    for path, end in ENDS.items():
        ends |= {site.url(path.format(number)): end for number in range(each)}
    return ends


def written(folder: Path, site: Site, ends: dict[str, Any], **fetch: Any) -> Path:
    """A table of these URLs in mixed order, each repeated one after its first, and the recipe that fetches them."""
    urls = list(ends)
    random.Random(0).shuffle(urls)
    urls.sort(key=lambda url: url.endswith("#again"))
    table = {"URL": [url.removesuffix("#again") for url in urls], "TEXT": [f"caption {url}" for url in urls]}
    pq.write_table(pa.table(table), folder / "urls.parquet")
    limits = {"contact": "tests@example.org", "allow": [site.host], "per_host": 64, "timeout_s": 2, "redirects": 3}
    source = {"name": "web", "kind": "urls", "uri": str(folder / "urls.parquet"), "into": str(folder / "into")}
    source |= {"shard_urls": 700, "fetch": {**limits, "max_bytes": 4 << 20, **fetch}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe([source])))
    return folder / "recipe.yaml"


def rows(root: Path) -> dict[str, dict[str, Any]]:
    """URL -> its row; a repeated one as in `listed`."""
    manifest = Manifest.open(Folder(f"{root}/test/images"))
    manifest.counts.check("images")
    found = [row for shard in manifest.shards for row in manifest.read(shard.name).to_pylist()]
    assert len({row["image_id"] for row in found}) == len(found) == manifest.counts.seen
    assert manifest.counts.ok == sum(row["status"] == "ok" for row in found)
    return {row["url"] + "#again" * (row["status"] == "duplicate_url"): row for row in found}


def requests(site: Site) -> Counter[str]:
    return Counter(one.path for one in site.log() if not one.path.startswith(("/loop", "/hops")))


def asked(url: str, site: Site) -> str:
    return "/" + quote(url.removeprefix(site.url("")).removesuffix("#again"), safe="/%?=&:")


def test_each_of_two_thousand_urls_is_one_row_with_its_reason_and_only_what_may_come_now_is_asked_again(
    tmp_path: Path,
) -> None:
    with web(tmp_path) as site, patient():
        ends = listed(site, GOOD, 40)
        assert len(ends) == 2000
        words = ["run", str(written(tmp_path, site, ends)), "--root", str(tmp_path / "runs"), "--until", "images"]
        ended = blindpairs(*words)
        assert ended.returncode == 0, ended.stderr
        found = rows(tmp_path / "runs")
        assert {url: row["status"] for url, row in found.items()} == {url: end for url, (end, _) in ends.items()}
        assert all(row["error"] for row in found.values() if row["status"] != "ok")
        first = requests(site)
        assert set(first.values()) == {1}, "a URL was asked for twice"
        assert not any("127.0.0.1" in one.host for one in site.log())
        (agent,) = {one.agent for one in site.log()}
        assert agent.startswith("blindpairs/")
        assert "tests@example.org" in agent

        ended = blindpairs(*words, "--retry-failed")
        assert ended.returncode == 0, ended.stderr
        again = rows(tmp_path / "runs")
        assert {url: row["status"] for url, row in again.items()} == {
            url: now or end for url, (end, now) in ends.items()
        }
        news = requests(site) - first
        assert news == Counter(asked(url, site) for url, (_, now) in ends.items() if now)


def test_after_a_kill_nothing_that_was_fetched_is_fetched_again_and_the_manifest_is_the_same(tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    under_way = 16  # threads: their answers may be lost with them
    with web(tmp_path / "killed") as site, patient():
        kinds = ["held/a"] * 2 * under_way + ["slow"] * 300
        ends = {site.url(f"{kind}/{number}.jpg"): ("ok", None) for number, kind in enumerate(kinds)}
        ends |= listed(site, 100, 4)
        words = ["run", str(written(tmp_path / "killed", site, ends, threads=under_way)), "--until", "images", "--root"]
        words.append(str(tmp_path / "killed" / "runs"))
        driver = started(*words)
        until(lambda: site.under_way("held") == under_way)  # and no thread goes on
        os.killpg(driver.pid, signal.SIGKILL)
        driver.communicate(timeout=PATIENCE_S)
        site.let("a")
        until(lambda: all(one.ended for one in site.log()))
        before = Counter(one.path for one in site.log() if one.finished)
        ended = blindpairs(*words)
        assert ended.returncode == 0, ended.stderr
        twice = [path for path, times in requests(site).items() if times > 1]
        assert len(before) > 100
        assert len(twice) <= under_way
        killed = rows(tmp_path / "killed" / "runs")
        assert {url: row["status"] for url, row in killed.items()} == {url: end for url, (end, _) in ends.items()}
        words[words.index("--root") + 1] = str(tmp_path / "whole" / "runs")
        ended = blindpairs(*words, "--set", f"images.sources.0.into={tmp_path}/whole/into")
        assert ended.returncode == 0, ended.stderr
    whole = rows(tmp_path / "whole" / "runs")
    for row in (*whole.values(), *killed.values()):  # where it lies differs: the order of arrival, and the folder
        del row["uri"], row["offset"]
    flaky = {url for url in whole if "/flaky/" in url}  # they come at the second asking, whoever asks
    assert {url: row for url, row in whole.items() if url not in flaky} == {
        url: row for url, row in killed.items() if url not in flaky
    }
