"""Training data as LLaVA and Cambrian-1 read it: one conversation an image, and the image beside it."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow.dataset import dataset
from world.authoring import frozen_run

from manifests.errors import Refused
from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.formats.writing.training import CAMBRIAN, LLAVA, write_cambrian, write_llava
from pipeline.run.run import Run

PROMPT = "Answer with the option's letter from the given choices directly."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_run(tmp_path_factory.mktemp("runs"), 2, training=3)


@pytest.fixture(scope="module")
def benchmark(run: Path) -> Benchmark:
    return read_benchmark(Run.open(str(run))).of(LLAVA.use, having=LLAVA.takes)


@pytest.fixture(scope="module")
def folder(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    write_llava(benchmark, to := tmp_path_factory.mktemp("llava"))
    return to


def frozen(run: Path) -> list[dict[str, Any]]:
    rows = sorted(dataset(run / "questions-1").to_table().to_pylist(), key=lambda row: row["place"])
    return [row for row in rows if row["use"] == "training"]


def saved(entry: dict[str, Any]) -> str:
    return entry["conversations"][0]["value"]


def test_an_entry_is_the_question_of_one_image_with_its_letter(run: Path, folder: Path) -> None:
    entries = json.loads((folder / "llava.json").read_text())
    assert len(entries) == 6
    for entry, row in zip(entries, frozen(run), strict=True):
        (a, b), letter = row["options"], row["answer"].upper()
        assert entry == {
            "id": row["question_id"],
            "image": f"images/{row['image_id']}.jpg",
            "conversations": [
                {"from": "human", "value": f"<image>\n{row['question']}\nA. {a}\nB. {b}\n{PROMPT}"},
                {"from": "gpt", "value": letter},
            ],
        }


def test_no_pair_of_the_benchmark_is_in_it(run: Path, folder: Path) -> None:
    rows = dataset(run / "questions-1").to_table().to_pylist()
    held_back = {row["image_id"] for row in rows if row["use"] == "benchmark"}
    assert len(held_back) == 4
    assert not held_back & {path.stem for path in (folder / "images").iterdir()}


def test_every_image_is_there_once_as_the_file_itself(run: Path, folder: Path) -> None:
    hashes = {row["image_id"]: row["sha256"] for row in dataset(run / "images").to_table().to_pylist()}
    files = list((folder / "images").iterdir())
    assert {path.stem for path in files} == {row["image_id"] for row in frozen(run)}
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == hashes[path.stem] for path in files)


def test_a_picture_of_another_format_becomes_a_jpeg(benchmark: Benchmark, tmp_path: Path) -> None:
    blue = Image.new("RGB", (32, 32), (20, 40, 200))
    blue.save(tmp_path / "blue.png")
    pair = benchmark.pairs[0]
    data = (tmp_path / "blue.png").read_bytes()
    facts = {"length": len(data), "sha256": hashlib.sha256(data).hexdigest(), "format": "PNG"}
    facts |= {"uri": str(tmp_path / "blue.png")}
    first = replace(pair.first, photo=replace(pair.first.photo, **facts))
    (to := tmp_path / "to").mkdir()
    write_llava(replace(benchmark, pairs=(replace(pair, first=first),)), to)
    image = Image.open(to / "images" / f"{first.photo.image_id}.jpg")
    assert image.format == "JPEG"
    assert np.abs(np.asarray(image).astype(int) - np.asarray(blue).astype(int)).max() <= 4


def test_cambrian_has_the_same_entries_a_line_each(benchmark: Benchmark, folder: Path, tmp_path: Path) -> None:
    write_cambrian(benchmark, tmp_path)
    lines = io.StringIO((tmp_path / "cambrian.jsonl").read_text(), newline="\n")
    assert [json.loads(line) for line in lines] == json.loads((folder / "llava.json").read_text())
    assert {path.name for path in tmp_path.iterdir()} == {"cambrian.jsonl", "images", "README.md"}
    assert CAMBRIAN.use == LLAVA.use == "training"


words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(lambda text: "<image>" not in text)


@settings(deadline=None)
@given(question=words, a=words, b=words)
def test_any_words_come_back_as_they_were(benchmark: Benchmark, question: str, a: str, b: str) -> None:
    pair = replace(benchmark.pairs[0], question=question, options=(a, b))
    with tempfile.TemporaryDirectory() as name:
        write_cambrian(replace(benchmark, pairs=(pair,)), folder := Path(name))
        lines = (folder / "cambrian.jsonl").read_bytes().split(b"\n")
    assert len(lines) == 3  # two and the end
    assert saved(json.loads(lines[0])) == f"<image>\n{question}\nA. {a}\nB. {b}\n{PROMPT}"


@pytest.mark.parametrize("write", [write_llava, write_cambrian])
def test_words_that_the_reader_takes_for_an_image_are_refused_before_anything(benchmark, tmp_path, write) -> None:
    pair = replace(benchmark.pairs[1], options=("an <image> tag", "none"))
    with pytest.raises(Refused, match="<image>") as refusal:
        write(replace(benchmark, pairs=(benchmark.pairs[0], pair)), tmp_path)
    assert pair.first.photo.image_id in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_two_pairs_share_is_written_once(benchmark: Benchmark, tmp_path: Path) -> None:
    one, other, *_ = benchmark.pairs
    shared = replace(other, first=replace(other.first, photo=one.first.photo))
    write_llava(replace(benchmark, pairs=(one, shared)), tmp_path)
    assert len(json.loads((tmp_path / "llava.json").read_text())) == 4
    assert len(list((tmp_path / "images").iterdir())) == 3


def test_the_same_benchmark_gives_the_same_bytes(benchmark: Benchmark, folder: Path, tmp_path: Path) -> None:
    write_llava(benchmark, tmp_path)
    paths = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(paths) == 8
    assert all((tmp_path / path).read_bytes() == (folder / path).read_bytes() for path in paths)


def test_the_readme_says_what_the_images_were_compared_with(folder: Path, benchmark: Benchmark) -> None:
    text = (folder / "README.md").read_text()
    assert "--data_path llava.json --image_folder ." in text
    assert benchmark.fingerprint in text
