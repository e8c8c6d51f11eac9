"""`run --retry-failed`: what failed comes again in new shards, and nothing else is made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.inline import Inline
from world.made_up_web import MadeUpWeb
from world.runs import contents, recipe

from manifests.manifest import Manifest
from manifests.storage import Folder
from manifests.tables import image_id
from pipeline.config.settings import Config
from pipeline.run import retry_failed
from pipeline.run.events.listener import Listener
from pipeline.run.recipe import steps
from pipeline.run.removal.intent import Intent
from pipeline.run.retry_failed import asked_again
from pipeline.run.runner import run
from stages.download.urls import getting

pytestmark = pytest.mark.slow

WORDS = ("ok", "ok", "timeout", "not_found")
URLS = [f"http://host/{WORDS[number % 4]}-{number}.jpg" for number in range(24)]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> MadeUpWeb:
    made_up = MadeUpWeb()
    monkeypatch.setattr(getting, "fetched", made_up.fetched)
    return made_up


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    pq.write_table(pa.table({"URL": URLS}), tmp_path / "urls.parquet")
    source = {"name": "web", "kind": "urls", "uri": str(tmp_path / "urls.parquet"), "into": str(tmp_path / "into")}
    return recipe([source | {"shard_urls": 10, "fetch": {"contact": "me@example.org"}}], search={"min_cosine": 0.2})


def made(
    values: dict[str, Any], root: Path, *, retry: bool = False
) -> tuple[dict[str, Manifest], list[str], list[str]]:
    """A run in this process: its manifests, the tasks done for it, and what was said."""
    config, executor, said = Config.model_validate(values), Inline(), []
    folder = Folder(f"{root}/test")
    manifests = run(
        steps(config),
        folder,
        executor,
        Listener(),
        beforehand=lambda: asked_again(config, folder, said.append, retry=retry),
    )
    return manifests, executor.made, said


def rows(manifest: Manifest) -> dict[str, dict[str, Any]]:
    found = [row for shard in manifest.shards for row in manifest.read(shard.name).to_pylist()]
    assert len({row["image_id"] for row in found}) == len(found)
    return {row["image_id"]: row for row in found}


def pairs(manifest: Manifest) -> set[tuple[Any, ...]]:
    found = [row for shard in manifest.shards for row in manifest.read(shard.name).to_pylist()]
    return {(row["left_id"], row["right_id"], row["blind_cosine"], row["reference_cosine"]) for row in found}


def test_what_timed_out_is_embedded_and_searched_and_nothing_else_is_made_again(
    values: dict[str, Any], web: MadeUpWeb, tmp_path: Path
) -> None:
    before, *_ = made(values, tmp_path / "runs")
    vectors = rows(before["embeddings"])
    web.asked.clear()
    web.mended, web.asked_at = True, "2099-01-01T00:00:00+00:00"
    after, done, said = made(values, tmp_path / "runs", retry=True)
    assert said == ["web: 12 of 12 URLs that failed are asked for again"]  # those of 2026 are old enough
    assert sorted(web.asked) == sorted(url for url in URLS if "ok" not in url)
    assert {task for task in done if task.startswith(("images", "emb"))} == {
        *("images/web-00003", "images/web-00004", "embeddings/web-00003", "embeddings/web-00004")
    }
    found = rows(after["images"])
    assert {image_id("web", url) for url in URLS} == found.keys()
    assert {row["url"] for row in found.values() if row["status"] == "ok"} == {u for u in URLS if "not_found" not in u}
    for name, row in vectors.items():
        if row["status"] == "ok":
            assert rows(after["embeddings"])[name] == row
    assert after["images"].counts.rejected == {"not_found": 6}


def test_a_run_that_asked_again_equals_a_fresh_one(values: dict[str, Any], web: MadeUpWeb, tmp_path: Path) -> None:
    made(values, tmp_path / "runs")
    web.mended = True
    after, *_ = made(values, tmp_path / "runs", retry=True)
    fresh, *_ = made(values, tmp_path / "elsewhere")
    for step in ("images", "embeddings"):
        assert rows(after[step]) == rows(fresh[step])
    assert pairs(after["candidates"]) == pairs(fresh["candidates"])
    assert pairs(after["pairs"]) == pairs(fresh["pairs"])


def test_the_next_run_takes_all_and_asks_nobody(values: dict[str, Any], web: MadeUpWeb, tmp_path: Path) -> None:
    made(values, tmp_path / "runs")
    web.mended, web.asked_at = True, "2099-01-01T00:00:00+00:00"
    made(values, tmp_path / "runs", retry=True)
    web.asked.clear()
    assert made(values, tmp_path / "runs")[1:] == ([], [])
    _, done, said = made(values, tmp_path / "runs", retry=True)
    assert (done, web.asked) == ([], [])
    assert said == ["web: 0 of 6 URLs that failed are asked for again; dead hosts and missing pages wait 168 hours"]


def test_a_shard_of_which_all_failed_is_asked_for_again(values: dict[str, Any], web: MadeUpWeb, tmp_path: Path) -> None:
    pq.write_table(pa.table({"URL": URLS[2::4]}), tmp_path / "urls.parquet")  # the list is the table over again
    made(values, tmp_path / "runs")
    web.mended = True
    after, *_ = made(values, tmp_path / "runs", retry=True)
    assert after["images"].counts.ok == after["images"].rows == 6


def test_before_there_are_images_there_is_nothing_to_ask_for_again(
    values: dict[str, Any], web: MadeUpWeb, tmp_path: Path
) -> None:
    _, done, said = made(values, tmp_path / "runs", retry=True)
    assert done
    assert said == ["--retry-failed: the images are not finished yet; they are made first"]


def test_pairs_are_made_again_though_the_tables_are_elsewhere(
    values: dict[str, Any], web: MadeUpWeb, tmp_path: Path
) -> None:
    made(values, tmp_path / "runs")
    (tmp_path / "urls.parquet").rename(tmp_path / "elsewhere.parquet")
    _, done, _ = made(values | {"filter": {"blind_min": 0.95, "reference_max": 0.5}}, tmp_path / "runs")
    assert done == ["pairs/all"]


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("retry", [False, True])
@pytest.mark.parametrize("moment", ["write_lists", "mark", "without", "end"])
def test_a_driver_that_ends_at_any_moment_loses_nothing(
    values: dict[str, Any], web: MadeUpWeb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, retry: bool
) -> None:
    made(values, tmp_path / "runs")
    web.mended = True

    def dies_after(*given: Any, **named: Any) -> None:
        whole(*given, **named)
        raise Killed

    at, name = (Intent, "end") if moment == "end" else (retry_failed, moment)
    whole = getattr(at, name)
    with monkeypatch.context() as patch:
        patch.setattr(at, name, dies_after)
        with pytest.raises(Killed):
            made(values, tmp_path / "runs", retry=True)
    after, *_ = made(values, tmp_path / "runs", retry=retry)
    fresh, *_ = made(values, tmp_path / "elsewhere")
    assert rows(after["images"]) == rows(fresh["images"])
    assert pairs(after["pairs"]) == pairs(fresh["pairs"])


def test_two_runs_of_one_folder_both_take_up_what_comes_again(
    values: dict[str, Any], web: MadeUpWeb, tmp_path: Path
) -> None:
    made(values, tmp_path / "one")
    made(values, tmp_path / "other")
    web.mended = True
    one, *_ = made(values, tmp_path / "one", retry=True)
    other, *_ = made(values, tmp_path / "other")
    assert rows(one["images"]) == rows(other["images"])
    assert contents(tmp_path / "one" / "test" / "images").keys() == contents(tmp_path / "other/test/images").keys()
