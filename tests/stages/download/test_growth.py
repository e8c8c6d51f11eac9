"""Sources that grow: tasks keep their names, new files come after them, and what changed is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.downloads import stage_of
from world.fetches import fetched, write_fetched
from world.pictures import jpeg
from world.tars import packed

from manifests.errors import Refused
from stages.base import PriorState, Task
from stages.download.growth import grown
from stages.download.settings import DownloadSettings
from stages.download.stage import Download


def begun(stage: Download, settled: int | None = None) -> PriorState:
    tasks = tuple(Task.from_json(task.to_json()) for task in stage.plan({}))
    return PriorState(tasks, len(tasks) if settled is None else settled, stage.external_state())


def test_new_tars_are_numbered_after_the_old_whatever_their_names(tmp_path: Path) -> None:
    for name in ("b", "d"):
        (tmp_path / f"{name}.tar").write_bytes(packed([]))
    stage = stage_of("shards", f"{tmp_path}/*.tar")
    before = begun(stage)
    for name in ("a", "c"):
        (tmp_path / f"{name}.tar").write_bytes(packed([]))
    tasks = stage.extended(before, {})
    assert tuple(tasks[:2]) == before.tasks
    assert [(task.name, Path(task.facts["uri"]).name) for task in tasks[2:]] == [
        *(("some-00002", "a.tar"), ("some-00003", "c.tar")),
    ]
    assert stage.extended(PriorState(tuple(tasks), 4, stage.external_state()), {}) == tasks


@pytest.mark.parametrize("changed", ["00000.parquet", "00000.tar"])
def test_new_tables_of_img2dataset_are_new_tasks_and_one_that_changed_is_named(tmp_path: Path, changed: str) -> None:
    write_fetched(tmp_path, [(fetched(0, jpeg(0)), jpeg(0))])
    stage = stage_of("img2dataset", tmp_path)
    before = begun(stage)
    write_fetched(tmp_path, [(fetched(1, jpeg(1)), jpeg(1))], "00001")
    assert [task.name for task in stage.extended(before, {})] == ["some-00000", "some-00001"]
    with (tmp_path / changed).open("ab") as file:
        file.write(b"x")
    with pytest.raises(Refused, match=r"00000\.parquet had \[\d+, \d+\] bytes then and has"):
        stage.extended(before, {})


FILES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 2), max_size=8)


def tasks_of(files: dict[str, int]) -> list[Task]:
    facts = [{"source": "s", "uri": name, "bytes": size} for name, size in sorted(files.items())]
    return [Task(f"s-{place:05d}", one) for place, one in enumerate(facts)]


@settings(max_examples=200, deadline=None)
@given(FILES, FILES, st.data())
def test_every_file_there_now_is_one_task_and_what_is_settled_stays(
    then: dict[str, int], now: dict[str, int], data: st.DataObject
) -> None:
    before = tasks_of(then)
    had = PriorState(tuple(before), data.draw(st.integers(0, len(before))))
    settled = {task.name for task in before[: had.settled]}
    lost = [task for task in before if task.name in settled and now.get(task.facts["uri"]) != task.facts["bytes"]]
    if lost:
        with pytest.raises(Refused, match=f"^{lost[0].facts['uri']} "):
            grown(had, tasks_of(now))
        return
    kept, new = grown(had, tasks_of(now))
    assert {task.facts["uri"]: task.facts["bytes"] for task in (*kept, *new)} == now
    assert len(kept) + len(new) == len(now)
    assert [task for task in before if task in kept] == kept
    assert settled <= {task.name for task in kept}
    assert not {task.name for task in new} & {task.name for task in before}, "the shard of another file bears that name"


def test_a_source_is_covered_by_one_of_more_files_or_beside_others_and_by_no_other() -> None:
    def asked(*sources: dict, **more) -> Download:
        return Download(DownloadSettings.model_validate({"sources": list(sources), **more}))

    tars = {"name": "a", "kind": "shards", "uri": "/a/{0..3}.tar"}
    folder = {"name": "b", "kind": "folder", "uri": "/b"}
    then = asked(tars, folder).settings
    assert asked(folder, {**tars, "uri": "/a/{0..9}.tar"}, {**folder, "name": "c"}).covers(then)
    assert asked(tars).covers(then)  # one that is left out may be of a growth that was not committed: extended() knows
    for other in (
        *(asked(tars, {**folder, "uri": "/c"}), asked(tars, folder, shard_rows=7)),
        *(asked({**tars, "license": "CC0"}, folder), asked({**tars, "keys_repeat": True}, folder)),
    ):
        assert not other.covers(then)
