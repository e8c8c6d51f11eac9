"""MMVP-VLM's own folder: read as its official scorer reads it."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from world.authoring import frozen_run, photo
from world.published import FOLDERS, run_here, stated, vlm_folder

from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.formats.writing.mmvp_vlm import FORM
from pipeline.cli.formats import export_to, import_from
from pipeline.run.run import Run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """135 pairs, 15 a pattern."""
    return read_benchmark(Run.open(str(frozen_run(tmp_path_factory.mktemp("run"), 135))))


def scored(folder: Path) -> Iterator[tuple[int, str, list[tuple[str, bytes]]]]:
    """As evaluate_vlm.py goes through it: pair, folder of its first row, statement and image of both rows."""
    with (folder / "Questions.csv").open() as file:
        reader = csv.reader(file)
        next(reader)
        for pair, (first, second) in enumerate(zip(reader, reader, strict=True)):
            at = folder / "MLLM_VLM Images" / first[1]
            yield pair, first[1], [(row[2], (at / f"{int(row[0])}.jpg").read_bytes()) for row in (first, second)]


def shuffled(benchmark_: Benchmark) -> Benchmark:
    pairs = list(benchmark_.pairs)
    random.Random(3).shuffle(pairs)
    return replace(benchmark_, pairs=tuple(pairs))


def test_categories_by_position_are_categories_by_folder_whatever_the_order_of_the_pairs(whole, tmp_path) -> None:
    FORM.write(FORM.part(shuffled(whole)), tmp_path)
    assert [kind for _, kind, _ in scored(tmp_path)] == [folder for folder in FOLDERS for _ in range(15)]


def test_each_statement_stands_with_its_own_image(whole: Benchmark, tmp_path: Path) -> None:
    FORM.write(FORM.part(shuffled(whole)), tmp_path)
    true = {photo_.read(): side.statement for pair in whole.pairs for side in pair.sides for photo_ in (side.photo,)}
    known = {photo(number) for number in range(270)}
    seen = [(statement, data) for _, _, both in scored(tmp_path) for statement, data in both]
    assert len(seen) == len({data for _, data in seen}) == 270
    assert all(data in known and true[data] == statement for statement, data in seen)


def test_within_a_pattern_pairs_and_images_stand_as_the_benchmark_has_them(whole: Benchmark, tmp_path: Path) -> None:
    mixed = shuffled(whole)
    FORM.write(FORM.part(mixed), tmp_path)
    wanted = [pair for folder in FOLDERS for pair in mixed.pairs if pair.pattern == NAMES[folder]]
    assert [both[0][1] for _, _, both in scored(tmp_path)] == [pair.first.photo.read() for pair in wanted]


def test_the_ids_count_through_all_folders_and_the_table_names_them(whole: Benchmark, tmp_path: Path) -> None:
    FORM.write(replace(whole, pairs=whole.pairs[14:17]), tmp_path)
    lines = (tmp_path / "Questions.csv").read_text().splitlines()
    assert lines[0] == "Question ID,Type,Statement"
    assert [line.split(",")[:2] for line in lines[1:]] == [
        *([str(number), "Orientation"] for number in (1, 2)),
        *([str(number), "Presence"] for number in (3, 4, 5, 6)),
    ]
    there = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.jpg")}
    assert there == {
        f"MLLM_VLM Images/{kind}/{number}.jpg" for number, kind, *_ in (line.split(",") for line in lines[1:])
    }


def test_a_finding_names_the_id_under_which_the_image_would_lie(tmp_path: Path, monkeypatch) -> None:
    run_here(monkeypatch)
    folder, run = vlm_folder(tmp_path, stated(1, FOLDERS[::-1])), str(tmp_path / "runs" / "turned")
    import_from(str(folder), run, "mmvp-vlm")
    export_to(Run.open(run), "mmvp-vlm", tmp_path / "whole")
    (gone,) = folder.glob("*/*/3.jpg")  # of the second pattern as they lie, the last but one as they are written
    (at,) = (path for path in (tmp_path / "whole").glob("*/*/*.jpg") if path.read_bytes() == gone.read_bytes())
    gone.unlink()
    answer = export_to(Run.open(run), "mmvp-vlm", tmp_path / "none", only_check=True)
    assert [one.where for one in answer.findings if one.code == "image_gone"] == [f"question {at.stem}"]
    assert (at.parent.name, at.stem) == ("Text", "15")


def test_the_published_scorer_is_named_only_where_it_is_right(whole: Benchmark, tmp_path: Path) -> None:
    official = f"scripts/evaluate_vlm.py --directory {tmp_path} scores"
    one_moved = (replace(whole.pairs[0], pattern="text"), *whole.pairs[1:])
    eight = [pair for pair in whole.pairs if pair.pattern != "viewpoint"]
    even = [pair for pair in whole.pairs if whole.pairs.index(pair) % 15 < 3]
    assert official in FORM.next_step(shuffled(whole), tmp_path)
    for pairs in (one_moved, eight, even, whole.pairs[:-1]):
        told = FORM.next_step(replace(whole, pairs=tuple(pairs)), tmp_path)
        assert official not in told
        assert f"the column Type of {tmp_path}/Questions.csv" in told


NAMES = dict(
    zip(
        FOLDERS,
        ("orientation", "presence", "state", "count", "position", "colour", "structure", "text", "viewpoint"),
        strict=True,
    )
)
