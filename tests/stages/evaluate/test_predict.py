"""Predictions: how questions are cut into tasks, and what becomes of an image that is gone or was changed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.chat_server import chat_server, said
from world.committed import committed
from world.evaluations import drawn_pairs

from manifests.evaluation_tables import ASKED
from stages.base import Machine
from stages.evaluate.predict import Predict
from stages.evaluate.stretches import stretches
from stages.models.answering.settings import BuiltIn, Server


@given(st.lists(st.integers(1, 9), max_size=40), st.integers(1, 12))
def test_a_task_never_splits_a_group_and_is_no_longer_than_it_may_be(sizes: list[int], most: int) -> None:
    groups = [f"group {number}" for number, size in enumerate(sizes) for _ in range(size)]
    cut = list(stretches(groups, most))
    assert [place for start, stop in cut for place in range(start, stop)] == list(range(len(groups)))
    for start, stop in cut:
        inside = [name for name, _ in groupby(groups[start:stop])]
        assert stop - start <= most or len(inside) == 1
        assert groups[start - 1] != groups[start] if start else True
    for (first, stop), (_, end) in pairwise(cut):
        after = next(size for name, size in _sizes(groups[stop:end]))
        assert stop - first + after > most  # no task could have taken more


def _sizes(groups: list[str]) -> list[tuple[str, int]]:
    return [(name, len(list(rows))) for name, rows in groupby(groups)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Path.unlink, "No such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "its bytes were changed since"),
        (lambda path: path.write_bytes(b""), "bytes"),
    ],
    ids=["gone", "changed", "emptied"],
)
def test_an_image_that_is_not_as_it_was_fails_its_question_alone(
    change: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    rows = drawn_pairs(tmp_path / "images", 2)
    change(Path(rows[0]["uri"]))
    asked = committed(tmp_path / "questions", ASKED, pa.Table.from_pylist(rows, schema=ASKED.columns))
    stage = Predict("m", BuiltIn(kind="oracle"), str(tmp_path / "_replies"))
    stage.setup(Machine())
    [task] = stage.plan({"questions": asked})
    [part] = stage.process(task, {"questions": asked})
    failed, *others = part.table.to_pylist()
    assert (failed["status"], failed["response"]) == ("failed", None)
    assert words in failed["error"]
    assert [row["status"] for row in others] == ["ok"] * 3
    assert (part.counts.seen, part.counts.ok, dict(part.counts.rejected)) == (4, 3, {"failed": 1})


def test_replies_that_are_kept_count_however_fast_the_rest_is_asked(tmp_path: Path) -> None:
    rows = drawn_pairs(tmp_path / "images", 2)
    asked = committed(tmp_path / "questions", ASKED, pa.Table.from_pylist(rows, schema=ASKED.columns))
    with chat_server(said("A")) as server:
        for how in ({}, {"in_flight": 2, "timeout_s": 9.0, "deadline_s": 99.0, "price_in": 1.0, "key_variable": "K"}):
            chosen = Server.model_validate({"kind": "openai", "url": server.url, "model": "made-up", **how})
            stage = Predict("m", chosen, str(tmp_path / "_replies"))
            stage.setup(Machine())
            [task] = stage.plan({"questions": asked})
            [part] = stage.process(task, {"questions": asked})
            assert part.counts.ok == 4
    assert len(server.asked) == 4
