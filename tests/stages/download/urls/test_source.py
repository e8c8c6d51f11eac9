"""Tables of URLs as a source: a row for every URL, growth, opt-outs, and what is asked for again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from world.downloads import Downloaded, downloaded, stage_of
from world.made_up_web import MadeUpWeb
from world.pictures import jpeg
from world.processes import printed

from manifests.errors import Refused
from manifests.storage import Folder
from manifests.tables import image_id
from stages.base import PriorState, Task
from stages.download.settings import UrlsSettings
from stages.download.stage import Download
from stages.download.urls import fetched_table, getting
from stages.download.urls.output_folder import tables_of_all
from stages.download.urls.retry_failed import blotted, ids_in, mark, may_be_asked, write_lists
from stages.download.urls.table_listing import lists, table_uris

WORDS = ("ok", "ok", "ok", "timeout", "not_found", "robots")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> MadeUpWeb:
    made_up = MadeUpWeb()
    monkeypatch.setattr(getting, "fetched", made_up.fetched)
    return made_up


def urls(first: int = 0, count: int = 30) -> list[str]:
    return [f"http://host/{WORDS[number % len(WORDS)]}-{number}.jpg" for number in range(first, first + count)]


def table(path: Path, rows: list[str | None], **columns: list[Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
    captions = [f"caption of {row}" for row in rows]
    pq.write_table(pa.table({"URL": pa.array(rows, pa.string()), "TEXT": captions, **columns}), path)
    return path


def stage(folder: Path, *, fetch: dict[str, Any] | None = None, **source: Any) -> Download:
    values = {"into": str(folder / "into"), "shard_urls": 7, **source}
    return stage_of("urls", folder / "tables", fetch={"contact": "me@example.org", **(fetch or {})}, **values)


def settings_of(made: Download) -> UrlsSettings:
    (source,) = made.download.sources
    assert isinstance(source, UrlsSettings)
    return source


def by_url(found: Downloaded) -> dict[str, dict[str, Any]]:
    return {row["url"]: row for row in found.rows}


def test_every_url_is_one_row_with_its_fields_or_its_reason(tmp_path: Path, web: MadeUpWeb) -> None:
    asked = urls()
    scores = [float(number % 10) for number in range(31)]
    table(tmp_path / "tables" / "a.parquet", [*asked, None], AESTHETIC_SCORE=scores)
    found = downloaded(stage(tmp_path, where={"aesthetic_min": 2.0}))
    assert len(found.rows) == 31
    for number, url in enumerate(asked):
        row, word = by_url(found)[url], WORDS[number % len(WORDS)]
        assert row["status"] == ("filtered" if number % 10 < 2 else word)
        assert (row["caption"], row["aesthetic"]) == (f"caption of {url}", float(number % 10))
        if row["status"] == "ok":
            assert row["sha256"] == sha256(jpeg(number)).hexdigest()
            with open(row["uri"], "rb") as tar:
                tar.seek(row["offset"])
                assert tar.read(row["length"]) == jpeg(number)
        if row["status"] != "filtered":
            assert row["image_id"] == image_id("some", url)
    assert Counter(row["status"] for row in found.rows)["bad_url"] == 1


def test_a_repeated_url_is_asked_for_once_and_said_to_be_repeated(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls(0, 10))
    table(tmp_path / "tables" / "b.parquet", urls(5, 10))
    found = downloaded(stage(tmp_path))
    assert Counter(web.asked) == Counter(urls(0, 15))
    assert Counter(row["status"] for row in found.rows)["duplicate_url"] == 5
    assert len({row["image_id"] for row in found.rows}) == 20


def test_another_run_finds_what_was_fetched(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    first = downloaded(stage(tmp_path))
    web.asked.clear()
    assert downloaded(stage(tmp_path, fetch={"threads": 3})) == first
    assert web.asked == []


def test_how_it_is_fetched_is_no_part_of_what_made_the_rows(tmp_path: Path) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    assert stage(tmp_path).settings == stage(tmp_path, fetch={"per_host": 1, "contact": "you@example.org"}).settings
    assert stage(tmp_path).settings != stage(tmp_path, resize=512).settings


def test_a_new_table_comes_after_and_repeats_of_old_urls_are_known(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "m.parquet", urls(0, 10))
    made = stage(tmp_path)
    tasks = tuple(Task.from_json(task.to_json()) for task in made.plan({}))
    begun = PriorState(tasks, len(tasks), made.external_state())
    table(tmp_path / "tables" / "a.parquet", urls(5, 10))  # by its name it would come first
    now = made.extended(begun, {})
    assert tuple(now[: len(tasks)]) == tasks
    parts = [part for task in now for part in made.process(task, {})]
    rows = pa.concat_tables([part.table for part in parts]).to_pylist()
    repeated = [row["url"] for row in rows if row["status"] == "duplicate_url"]
    assert repeated == urls(5, 5)
    assert all(row["key"].startswith("a.parquet") for row in rows if row["status"] == "duplicate_url")


def test_a_table_that_changed_or_went_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "tables" / "a.parquet", urls(0, 10))
    table(tmp_path / "tables" / "b.parquet", urls(10, 10))
    made = stage(tmp_path)
    tasks = tuple(made.plan({}))
    begun = PriorState(tasks, len(tasks), made.external_state())
    table(path, urls(0, 9))
    with pytest.raises(Refused, match=r"a\.parquet"):
        made.extended(begun, {})
    path.unlink()
    with pytest.raises(Refused, match=r"a\.parquet"):
        made.extended(begun, {})


def test_what_is_opted_out_is_not_kept_even_if_it_was_fetched_before(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    downloaded(stage(tmp_path))
    (tmp_path / "out.txt").write_text(f"# no\nhttp://host/ok-1.jpg\n{sha256(jpeg(2)).hexdigest()}\n")
    found = by_url(downloaded(stage(tmp_path, fetch={"opt_out": str(tmp_path / "out.txt")})))
    assert {url for url, row in found.items() if row["status"] == "opted_out"} == {
        *("http://host/ok-1.jpg", "http://host/ok-2.jpg")
    }
    assert found["http://host/ok-1.jpg"]["sha256"] is None


def again(made: Download, words: tuple[str, ...] = ("timeout", "not_found")) -> list[str]:
    """Put what failed so, and may be had by now, into a list, as the pipeline does."""
    source = settings_of(made)
    due = may_be_asked(source, lists(source))
    rows = [row for row in downloaded(made).rows if row["image_id"] in due]
    assert {row["status"] for row in rows} <= set(words)
    new = write_lists(source, rows, table_uris(source))
    for uri, ids in ids_in(source, new):
        mark(source, ids, uri)
    return new


def test_what_failed_comes_again_in_a_list_and_each_url_stays_one_row(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    made = stage(tmp_path, fetch={"again_after_h": 0})
    before = by_url(downloaded(made))
    web.asked.clear()
    web.mended = True
    new = again(made)
    assert new == lists(settings_of(made))
    assert len(new) == 2  # ten URLs, seven a shard
    after = downloaded(made)
    assert sorted(web.asked) == sorted(url for url in urls() if "timeout" in url or "not_found" in url)
    assert {url: row["image_id"] for url, row in by_url(after).items()} == {u: r["image_id"] for u, r in before.items()}
    assert len(after.rows) == 30
    mended = {url for url, row in by_url(after).items() if row["status"] == "ok" and before[url]["status"] != "ok"}
    assert mended == {url for url in urls() if "timeout" in url}
    assert by_url(after)["http://host/timeout-3.jpg"]["caption"] == "caption of http://host/timeout-3.jpg"


def test_dead_hosts_and_missing_pages_wait(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    made = stage(tmp_path)
    web.asked_at = datetime.now(UTC).isoformat()
    downloaded(made)
    ids = {word: {image_id("some", url) for url in urls() if word in url} for word in WORDS}
    assert may_be_asked(settings_of(made), []) == ids["timeout"]
    later = datetime.now(UTC) + timedelta(hours=169)
    assert may_be_asked(settings_of(made), [], later) == ids["timeout"] | ids["not_found"]


def test_an_erased_image_does_not_come_back(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    made = stage(tmp_path)
    downloaded(made)
    into, gone = Folder(str(tmp_path / "into")), {image_id("some", "http://host/ok-1.jpg")}
    assert fetched_table.erased(into, tables_of_all(into, "some"), "some", gone) == 1
    found = downloaded(made)
    assert len(found.rows) == 29
    assert "http://host/ok-1.jpg" not in by_url(found)
    assert found.counts.aside == {"(forgotten)": 1}


def test_what_is_forgotten_of_a_list_leaves_its_tasks_as_they_are(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    made = stage(tmp_path, fetch={"again_after_h": 0})
    downloaded(made)
    web.mended = True
    again(made)
    before, tasks, found = downloaded(made), made.plan({}), made.external_state()
    web.asked.clear()
    into, gone = Folder(str(tmp_path / "into")), "http://host/timeout-3.jpg"
    ids = {image_id("some", gone)}
    assert blotted(into, "some", ids) == 1
    rows_gone = fetched_table.erased(into, tables_of_all(into, "some"), "some", ids)
    assert rows_gone == 2  # where it failed, and where it came
    assert (made.plan({}), made.external_state()) == (tasks, found)
    after = downloaded(made)
    assert (len(after.rows), web.asked) == (len(before.rows) - 1, [])
    assert gone not in by_url(after)
    assert not [path for path in (tmp_path / "into").rglob("*.parquet") if gone in str(pq.read_table(path).to_pylist())]


@pytest.mark.parametrize(
    "other", [{"shard_urls": 5}, {"where": {"aesthetic_min": 2.0}}, {"resize": 64}, {"table": "b.parquet"}]
)
def test_another_request_is_not_touched_by_what_is_asked_for_again(
    tmp_path: Path, web: MadeUpWeb, other: dict[str, Any]
) -> None:
    scores = [float(number % 10) for number in range(30)]
    table(tmp_path / "tables" / "a.parquet", urls(), AESTHETIC_SCORE=scores)
    table(tmp_path / "more" / "b.parquet", urls(15, 30), AESTHETIC_SCORE=scores)
    made = stage(tmp_path, fetch={"again_after_h": 0})
    changed = {name: value for name, value in other.items() if name != "table"}
    how = {"into": str(tmp_path / "into"), "shard_urls": 7, "fetch": {"contact": "me@example.org"}, **changed}
    theirs = stage_of("urls", tmp_path / ("more" if "table" in other else "tables"), **how)
    downloaded(made)
    before = downloaded(theirs)
    web.mended = True
    again(made)
    assert downloaded(theirs) == before


def test_a_failure_is_taken_up_by_each_who_asks_again(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls(0, 14))
    few = stage(tmp_path, fetch={"again_after_h": 0})
    downloaded(few)
    again(few)
    table(tmp_path / "tables" / "b.parquet", urls(14, 14))
    more = stage(tmp_path, fetch={"again_after_h": 0})
    web.mended = True
    again(more)
    found = downloaded(more)
    assert len(found.rows) == len(by_url(found)) == 28
    assert "timeout" not in {row["status"] for row in found.rows}


def test_two_who_fetch_the_same_list_at_once_do_not_change_one_anothers_bytes(
    tmp_path: Path, web: MadeUpWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path / "tables" / "a.parquet", urls(0, 7))
    made, there = stage(tmp_path), {}

    def overtaken(*given: Any) -> pa.Table:
        monkeypatch.setattr(getting, "fetched", web.fetched)
        with monkeypatch.context() as patch:  # another machine, which knows nothing of our lock
            patch.setattr(getting.fcntl, "flock", lambda *of: None)
            patch.setattr(getting, "WORK", "_elsewhere")
            there["first"] = downloaded(made)
        return web.fetched(*given)

    monkeypatch.setattr(getting, "fetched", overtaken)
    downloaded(made)
    for row in there["first"].rows:
        if row["status"] == "ok":
            with open(row["uri"], "rb") as tar:
                tar.seek(row["offset"])
                assert sha256(tar.read(row["length"])).hexdigest() == row["sha256"]
    assert len(list((tmp_path / "into").glob("*.tar"))) == 2


@pytest.mark.parametrize(
    "spelling",
    ["HTTP://HOST/ok-1.jpg", "http://host:80/ok-1.jpg", "http://host./ok-1.jpg#top", " http://host/ok-1.jpg"],
)
def test_an_opt_out_is_known_in_any_spelling(tmp_path: Path, web: MadeUpWeb, spelling: str) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    downloaded(stage(tmp_path))
    (tmp_path / "out.txt").write_text(f"{spelling}\n{image_id('some', 'http://host/ok-2.jpg')}\n")
    found = by_url(downloaded(stage(tmp_path, fetch={"opt_out": str(tmp_path / "out.txt")})))
    assert {url for url, row in found.items() if row["status"] == "opted_out"} == {
        *("http://host/ok-1.jpg", "http://host/ok-2.jpg")
    }


def test_an_opt_out_list_that_does_not_read_is_refused_before_any_work(tmp_path: Path) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    with pytest.raises(Refused, match="nowhere"):
        stage(tmp_path, fetch={"opt_out": str(tmp_path / "nowhere.txt")}).external_state()


def test_a_damaged_table_of_what_was_fetched_is_named(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls(0, 7))
    made = stage(tmp_path)
    downloaded(made)
    (path,) = (tmp_path / "into").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(Refused, match=f"{path.name} is damaged"):
        downloaded(made)
    with pytest.raises(Refused, match=f"{path.name} is damaged"):
        may_be_asked(settings_of(made), [])


def test_tables_inside_into_are_refused(tmp_path: Path) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    with pytest.raises(Refused, match="lies in `into`"):
        stage(tmp_path, into=str(tmp_path / "tables")).external_state()


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    stage(tmp_path).external_state()
    assert not (tmp_path / "into").exists()


def test_what_is_fetched_reads_as_img2datasets_own(tmp_path: Path, web: MadeUpWeb) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    found = by_url(downloaded(stage(tmp_path)))
    again_found = by_url(downloaded(stage_of("img2dataset", tmp_path / "into")))
    for name in ("status", "sha256", "uri", "offset"):
        assert {url: row[name] for url, row in found.items()} == {url: row[name] for url, row in again_found.items()}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"where": {"unsafe_max": 0.1}}, r"columns: \{unsafe: NAME\}"),
        ({"columns": {"url": "href"}}, "no column 'href'"),
        ({"columns": {"link": "URL"}}, "not a column of ours"),
    ],
)
def test_a_column_that_is_not_there_is_refused_before_any_work(tmp_path: Path, source: dict, told: str) -> None:
    table(tmp_path / "tables" / "a.parquet", urls())
    with pytest.raises(Refused, match=told):
        stage(tmp_path, **source).external_state()


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "readme.txt").write_text("")
    with pytest.raises(Refused, match="holds no table of URLs"):
        stage(tmp_path).external_state()


PLANNED = """
from world.downloads import stage_of
how = {"where": {"aesthetic_min": 5.0}, "fetch": {"contact": "me@example.org"}}
tasks = stage_of("urls", sys.argv[1], into=sys.argv[2], **how).plan({})
print(sum(task.facts["rows"] for task in tasks), peak())
"""


def test_a_million_rows_are_planned_in_bounded_memory(tmp_path: Path) -> None:
    numbers = pa.array(range(1_000_000))
    scores = pc.bit_wise_and(numbers, 7).cast(pa.float32())
    path = "https://host.example/a-fairly-long-name-of-a-folder/and-of-a-picture.jpg?w=1024&n="
    asked = pc.binary_join_element_wise(path, numbers.cast(pa.string()), "")
    pq.write_table(pa.table({"URL": asked, "AESTHETIC_SCORE": scores}), tmp_path / "t.parquet")
    rows, megabytes = printed(PLANNED, str(tmp_path / "t.parquet"), str(tmp_path / "into"))
    assert rows == 1_000_000
    assert megabytes < 500
