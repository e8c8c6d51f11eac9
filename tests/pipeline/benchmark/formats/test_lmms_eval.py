"""The lmms-eval task folder: what lmms-eval's own functions for MMVP take, and nothing that tells an answer.

Whether lmms-eval itself loads and scores it is checked by tests/benchmarks/lmms_eval_check.py.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.dataset import dataset
from world.authoring import frozen_run

from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.formats.writing.lmms_eval import FORM, task_name, write
from pipeline.run.run import Run

TASK = "blindpairs_made_v1"


class Loader(yaml.SafeLoader):
    """Reads `!function NAME` as its name."""


Loader.add_constructor("!function", lambda loader, node: node.value)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_run(tmp_path_factory.mktemp("runs"), 5, training=1)


@pytest.fixture(scope="module")
def benchmark(run: Path) -> Benchmark:
    return read_benchmark(Run.open(str(run))).of(FORM.use, having=FORM.takes)


@pytest.fixture(scope="module")
def folder(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    write(benchmark, to := tmp_path_factory.mktemp("lmms"))
    return to


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, Any]]:
    return pq.read_table(folder / f"{TASK}.parquet").to_pylist()


def frozen_rows(run: Path) -> list[dict[str, Any]]:
    return sorted(dataset(run / "questions-1").to_table().to_pylist(), key=lambda row: row["place"])


def test_the_rows_are_the_frozen_questions_in_their_order(run: Path, rows: list[dict[str, Any]]) -> None:
    frozen = [row for row in frozen_rows(run) if row["use"] == "benchmark"]
    assert [row["Index"] for row in rows] == list(range(1, 11))
    for row, asked in zip(rows, frozen, strict=True):
        assert row["Question"] == asked["question"]
        assert row["Options"] == f"(a) {asked['options'][0]} (b) {asked['options'][1]}"
        assert row["Correct Answer"] == f"({asked['answer']})"


def test_an_image_is_the_file_itself(run: Path, rows: list[dict[str, Any]]) -> None:
    hashes = {row["image_id"]: row["sha256"] for row in dataset(run / "images").to_table().to_pylist()}
    frozen = [row for row in frozen_rows(run) if row["use"] == "benchmark"]
    for row, asked in zip(rows, frozen, strict=True):
        assert hashlib.sha256(row["image"]["bytes"]).hexdigest() == hashes[asked["image_id"]]


def test_an_image_is_named_by_its_place_alone(rows: list[dict[str, Any]]) -> None:
    assert [row["image"]["path"] for row in rows] == [f"{place}.jpg" for place in range(1, 11)]


def test_a_pair_asks_the_same_and_has_opposite_answers(rows: list[dict[str, Any]]) -> None:
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        assert (first["Question"], first["Options"]) == (second["Question"], second["Options"])
        assert {first["Correct Answer"], second["Correct Answer"]} == {"(a)", "(b)"}


def test_the_index_is_32_bits_and_the_image_is_told_to_be_one(folder: Path) -> None:
    schema = pq.read_schema(folder / f"{TASK}.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert str(schema.field("Index").type) == "int32"
    assert features["image"] == {"_type": "Image"}
    assert features["Index"] == {"dtype": "int32", "_type": "Value"}
    assert list(features) == schema.names == ["Index", "Question", "Options", "Correct Answer", "image"]


def test_the_task_is_written_out_and_asks_for_no_token(folder: Path) -> None:
    text = (folder / f"{TASK}.yaml").read_text()
    task = yaml.load(text, Loader)
    assert task["task"] == TASK
    assert task["dataset_path"] == "parquet"
    assert (folder / task["dataset_kwargs"]["data_files"][task["test_split"]]).is_file()
    assert task["generation_kwargs"] == {"max_new_tokens": 16, "temperature": 0, "do_sample": False}
    assert {one["metric"] for one in task["metric_list"]} == {"mmvp_accuracy", "mmvp_pair_accuracy"}
    assert not {"include", "token"} & {*task, *task["dataset_kwargs"]}
    ends = task["lmms_eval_specific_kwargs"]["default"]["post_prompt"]
    assert ends == "\nAnswer with the option's letter from the given choices directly."


def test_the_readme_says_the_command(folder: Path) -> None:
    assert f"lmms_eval --include_path . --tasks {TASK} " in (folder / "README.md").read_text()


def test_the_same_benchmark_gives_the_same_bytes(benchmark: Benchmark, folder: Path, tmp_path: Path) -> None:
    write(benchmark, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{TASK}.yaml", f"{TASK}.parquet", "README.md"}
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


@settings(deadline=None)
@given(name=st.text(min_size=1).filter(lambda name: "/" not in name))
def test_any_name_of_a_run_makes_a_name_of_a_task(benchmark: Benchmark, name: str) -> None:
    found = task_name(replace(benchmark, run=f"runs/{name}", version=3))
    assert re.fullmatch(r"blindpairs_[A-Za-z0-9]+(_[A-Za-z0-9]+)*_v3", found, re.ASCII)
