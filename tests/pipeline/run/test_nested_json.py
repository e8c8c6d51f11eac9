"""JSON that is nested too deep, wherever a command reads JSON: what other bad JSON is there, and never a trace.

LEVELS are too deep for the parser, and deep enough for what walks the value after it was parsed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.authoring import paired_run, pairs_of
from world.chat_server import Reply, chat_server
from world.committed import images_manifest, names
from world.forgetting import whole_lot
from world.growing import rows, values
from world.in_process import answered
from world.inline import made_here
from world.routes import answer_client, author_client
from world.tars import packed

from manifests.draft import PLAN, Draft
from manifests.errors import Damaged, Refused
from manifests.footer import COUNTS
from manifests.manifest import COMMIT, Manifest
from manifests.removal import Held
from manifests.shard import read_receipt
from manifests.storage import Folder
from pipeline.benchmark.drafts.reply import changes_of, found_json
from pipeline.benchmark.formats.reading.label_studio import returned_tasks
from pipeline.config.changes import apply
from pipeline.config.loading import _parsed as yaml_of
from pipeline.config.loading import read_config
from pipeline.forget.forget import forget
from pipeline.reports.status.read import status_of
from pipeline.run.events.events import read_events
from pipeline.run.layout import FAILURES, REMOVAL
from pipeline.run.lease.driver import NAME as DRIVER
from pipeline.run.lease.driver import parsed
from stages.author.opening import StoreFailed
from stages.author.store import NAME, Store
from stages.download.fetch.journal import Journal
from stages.download.settings import UrlsSettings
from stages.download.urls.retry_failed import TABLES, lists_of, write_lists
from stages.embed.batch_size import _remembered as remembered
from stages.models.chat import Chat, DraftFailed

LEVELS = (600, 100_000)


@pytest.fixture(params=LEVELS, ids="{} levels".format)
def nested(request: pytest.FixtureRequest) -> str:
    return "[" * request.param + "]" * request.param


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return paired_run(tmp_path, 3)


# ------------------------------------------------------------------ a run's own files


@pytest.mark.parametrize(
    ("name", "opens"), [(COMMIT, Manifest.open), (PLAN, Draft.planned), (COMMIT, Held.of), (PLAN, Held.of)]
)
@pytest.mark.parametrize("inside", ["{}", '{{"lineage": {{"settings": {}}}}}'], ids=["alone", "as settings"])
def test_a_manifests_file_is_refused(
    tmp_path: Path, nested: str, name: str, opens: Callable[[Folder], object], inside: str
) -> None:
    folder = images_manifest(tmp_path, names(1), ["f" * 64]).folder
    (tmp_path / name).write_text(inside.format(nested))
    with pytest.raises(Refused, match=f"{name} does not read"):
        opens(folder)


def test_a_commit_is_one_line_for_every_command_that_opens_it(run: Path, nested: str) -> None:
    (run / "images" / COMMIT).write_text(nested)
    for words in (("status", run), ("show", run, "images"), ("lineage", run, "images"), ("report", run)):
        ended = answered(*words)
        assert ended.returncode == 2
        assert len(ended.stderr.strip().splitlines()) == 1


def test_the_counts_of_a_footer_are_damage(tmp_path: Path, nested: str) -> None:
    folder = images_manifest(tmp_path, names(1), ["f" * 64]).folder
    table = pq.read_table(tmp_path / "00000.parquet")
    pq.write_table(table.replace_schema_metadata({COUNTS: nested.encode()}), tmp_path / "00000.parquet")
    with pytest.raises(Damaged, match=r"00000\.parquet is not as it was written"):
        read_receipt(folder, "00000")


def test_a_drivers_file_says_nothing(run: Path, nested: str) -> None:
    said = {"host": "a", "number": 1, "boot": "", "namespace": "", "began": "", "since": "", "token": "", "renewal": 1}
    assert parsed(nested.encode()) is None
    assert parsed((json.dumps(said)[:-1] + f', "renewed": {nested}}}').encode()) is None
    (run / DRIVER).write_text(nested)
    assert status_of(str(run)).driver is None


def test_an_event_is_passed_over(run: Path, nested: str) -> None:
    (run / "_events").mkdir()
    lines = (nested, f'{{"event": "task done", "step": "images", "more": {nested}}}', '{"event": "run ended"}')
    (run / "_events" / "20260101T000000.000000Z-a.jsonl").write_text("\n".join(lines))
    assert list(read_events(Folder(str(run)))) == [[{"event": "run ended"}]]
    assert [one.step for one in status_of(str(run)).steps] == ["images", "pairs"]


def test_a_list_of_failures_leaves_the_status_with_what_the_events_say(tmp_path: Path, nested: str) -> None:
    run = Folder(str(tmp_path))
    images_manifest(tmp_path / "images", names(1), ["f" * 64])
    (tmp_path / "images" / COMMIT).unlink()
    (tmp_path / "images" / FAILURES).write_text(nested)
    (step,) = status_of(run.url).steps
    assert step.failures == ()


def test_what_says_that_images_are_being_taken_out_is_refused(run: Path, nested: str) -> None:
    (run / REMOVAL).write_text(nested)
    with pytest.raises(Refused, match=r"_removal\.json does not read"):
        status_of(str(run))


def test_a_forget_leaves_out_what_it_cannot_read_where_that_names_an_image(tmp_path: Path, nested: str) -> None:
    whole_lot(tmp_path / "tars", ["a"], Random(5))
    manifests, _ = made_here(values(tmp_path / "tars"), tmp_path)
    gone = rows(manifests["images"])[0]
    run = tmp_path / "test"
    (run / "images" / FAILURES).write_text(f'["{gone["key"]}", {nested}]')
    (run / "candidates" / FAILURES).write_text(nested)
    (run / "_events").mkdir(exist_ok=True)
    (run / "_events" / "a-b.jsonl").write_text(f'{{"event": "{gone["key"]}", "more": {nested}}}\n{nested}\n')
    forget(str(run), [gone["image_id"]])
    assert not (run / "images" / FAILURES).exists()
    assert (run / "candidates" / FAILURES).read_text() == nested
    assert (run / "_events" / "a-b.jsonl").read_text() == nested + "\n"


def test_what_was_there_before_a_change_is_a_failure_of_the_store(run: Path, nested: str) -> None:
    with closing(Store(run / NAME)) as store:
        pair = store.change(store.pair("a", "b"), {"decision": "kept"}, "ann")
        with closing(sqlite3.connect(run / NAME)) as other, other:
            other.execute("UPDATE history SET before = ?", (nested,))
        with pytest.raises(StoreFailed, match="cannot be used as the authors' store"):
            store.undo("ann")
        assert store.pair("a", "b") == pair


def test_a_journal_ends_before_it(tmp_path: Path, nested: str) -> None:
    (tmp_path / "journal").write_text(f'{{"url": {nested}}}\n')
    with closing(Journal(tmp_path / "journal")) as journal:
        assert journal.known == {}


def test_a_list_of_what_is_asked_again_is_refused(tmp_path: Path, nested: str) -> None:
    source = UrlsSettings(
        name="some", kind="urls", uri="a.csv", into=str(tmp_path), fetch={"contact": "me@example.org"}
    )
    (uri,) = write_lists(source, [{"url": "https://a.example/1.jpg"}], ["a.csv"])
    table = pq.read_table(uri)
    pq.write_table(table.replace_schema_metadata({TABLES: nested.encode()}), uri)
    with pytest.raises(Refused, match=r"is damaged .* --retry-failed"):
        lists_of(source, ["a.csv"])


def test_sizes_of_batches_are_measured_anew(tmp_path: Path, nested: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "blindpairs").mkdir()
    (tmp_path / "blindpairs" / "batches.json").write_text(nested)
    assert remembered() == {}


# ------------------------------------------------------------------ what others wrote


@pytest.mark.slow
def test_a_recipe_is_no_yaml(tmp_path: Path, nested: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"preset: demo\nimages: {nested}")
    with pytest.raises(Refused, match=r"recipe\.yaml is not YAML"):
        read_config(str(path))
    with pytest.raises(Refused, match="the value is not YAML") as refused:
        apply({}, f"images={nested}", yaml_of)
    assert len(str(refused.value)) < 1000


def test_anchors_in_a_recipe_that_double_with_each_level_cost_no_time(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]", *(f"a{place}: &a{place} [{f'*a{place - 1}, ' * 9}]" for place in range(1, 60))]
    path = tmp_path / "recipe.yaml"
    path.write_text("\n".join(["preset: demo", *lines]))
    with pytest.raises(Refused, match="unknown setting 'a0'"):
        read_config(str(path))


def test_a_recipe_that_contains_itself_is_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("preset: demo\nimages: &a {sources: [*a]}")
    with pytest.raises(Refused, match="nested more than 100 levels deep"):
        read_config(str(path))


def test_lint_names_sidecars_and_stats_that_do_not_parse(tmp_path: Path, nested: str) -> None:
    (tmp_path / "00000.tar").write_bytes(packed([("0.json", f'{{"a": {nested}}}'.encode()), ("0.txt", b"words")]))
    (tmp_path / "00000_stats.json").write_text(f'{{"count": {nested}, "successes": 1}}')
    pq.write_table(pa.table({"key": ["0"], "url": ["u"], "status": ["success"]}), tmp_path / "00000.parquet")
    ended = answered("lint", tmp_path, "--json")
    found = {one["code"] for one in json.loads(ended.stdout)["findings"]}
    assert {"bad_json", "bad_stats"} <= found


def test_tasks_of_label_studio_are_refused(tmp_path: Path, nested: str) -> None:
    (tmp_path / "tasks.json").write_text(f'[{{"data": {nested}}}]')
    with pytest.raises(Refused, match="is not JSON"):
        returned_tasks(tmp_path / "tasks.json")


@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_reply_of_a_drafting_server_is_no_draft(nested: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.models.chat.sleep", lambda _: None)
    for body in (nested, f'{{"error": {nested}}}', f'{{"choices": [{{"message": {{"content": {nested}}}}}]}}'):
        with chat_server(Reply(status, body.encode())) as server, pytest.raises(DraftFailed) as failed:
            Chat(server.url, "made-up").ask("hello")
        assert "\n" not in str(failed.value)


def test_what_a_model_says_is_no_draft(nested: str) -> None:
    with pytest.raises(DraftFailed):
        changes_of(found_json(f'{{"question": {nested}}}', dict, lambda value: True))


# ------------------------------------------------------------------ what a page is sent


@pytest.fixture(params=[author_client, answer_client], ids=["author", "answer"])
def page(request: pytest.FixtureRequest, run: Path) -> Iterator[object]:
    with request.param(run) as client:
        yield client


def test_a_body_is_a_request_that_no_page_sends(page, run: Path, nested: str) -> None:
    one, other = pairs_of(run)[0]
    for method, path in (("PUT", f"/api/pairs/{one}/{other}"), ("POST", "/api/answers"), ("POST", "/api/undo")):
        for body in (nested, f'{{"version": 0, "changes": {{"question": {nested}}}}}'):
            answer = page.http.request(method, path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code < 500
            assert "[[[" not in answer.text
