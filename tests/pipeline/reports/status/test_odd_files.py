"""A status reads what other processes wrote, and a later version or a hand may have written anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from world import heard

from manifests.draft import Draft
from manifests.storage import Folder
from pipeline.reports.status.read import status_of
from pipeline.run.layout import FAILURES
from pipeline.run.lease.driver import NAME, new_driver
from pipeline.run.lease.process import this_process

pytestmark = pytest.mark.slow

TIME = "2026-01-01T00:00:00Z"
EVENTS = ("run started", "step started", "task done", "task failed", "set back", "run ended")
NUMBERS = ("seconds", "tasks", "there", "gpu_use", "seen", "ok", "tries", "attempts")
TEXTS = ("task", "where", "unit", "error", "how", "why", "rejected", "aside", "steps")

words = st.text(max_size=3) | st.sampled_from(["images", "a", TIME, TIME[:-1]])
plain = st.none() | st.booleans() | st.integers() | st.floats() | words
odd = st.recursive(plain, lambda one: st.lists(one, max_size=3) | st.dictionaries(words, one, max_size=3), max_leaves=5)
driver = st.builds(
    lambda more: json.loads(new_driver(this_process()).to_bytes()) | more,
    st.dictionaries(st.sampled_from(["number", "renewal", "renewed", "since", "host", "began"]), odd),
)
event = st.builds(
    lambda name, more: {"event": name, "step": "images", "time": TIME, "fingerprint": FINGERPRINT} | more,
    st.sampled_from(EVENTS),
    st.dictionaries(st.sampled_from([*NUMBERS, *TEXTS, "time", "step", "fingerprint"]), odd),
)
failure = st.dictionaries(st.sampled_from(["task", "error", "trace"]), odd)
FINGERPRINT = heard.lineage().fingerprint


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("odd")
    folder = Folder(str(path)) / "images"
    Draft.begin(folder, heard.lineage(), [{"name": "a"}, {"name": "b"}])
    folder.write("a.parquet", b"")
    (path / "_events").mkdir()
    return path


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=odd | driver, lines=st.lists(odd | event, max_size=4), failures=odd | st.lists(failure, max_size=2))
@example(said={"host": "a"}, lines=[{"event": "run started", "steps": [1]}], failures=[{"task": "b"}])
def test_whatever_stands_in_a_runs_files_the_status_answers(
    run: Path, said: Any, lines: list[Any], failures: Any
) -> None:
    (run / NAME).write_text(json.dumps(said))
    (run / "_events" / "1-a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (run / "images" / FAILURES).write_text(json.dumps(failures))
    answer = status_of(str(run))
    assert str(answer).startswith(str(run))
    assert json.loads(json.dumps(answer.to_json()))["steps"][0]["step"] == "images"
