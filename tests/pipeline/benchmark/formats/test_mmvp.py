"""MMVP's own folder: what its readers find in it, by other code than wrote it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from world.authoring import frozen_run, photo

from manifests.tables import image_id
from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.formats.writing.mmvp import FORM
from pipeline.benchmark.photos import Photo
from pipeline.run.run import Run


@pytest.fixture(scope="module")
def benchmark_(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    return read_benchmark(Run.open(str(frozen_run(tmp_path_factory.mktemp("run"), 12, training=2)))).of()


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "Questions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_is_mmvps_to_the_letter(benchmark_: Benchmark, tmp_path: Path) -> None:
    FORM.write(benchmark_, tmp_path)
    first_line = (tmp_path / "Questions.csv").read_bytes().splitlines()[0]
    assert first_line == b"Index,Question,Options,Correct Answer"
    rows = rows_of(tmp_path)
    assert [row["Index"] for row in rows] == [str(number) for number in range(1, 25)]
    assert {row["Options"] for row in rows} == {"(a) Open (b) Closed"}
    for one, other in zip(rows[::2], rows[1::2], strict=True):
        assert one["Question"] == other["Question"]
        assert {one["Correct Answer"], other["Correct Answer"]} == {"(a)", "(b)"}


def test_the_images_are_numbered_as_the_rows_and_are_what_the_rows_say(benchmark_: Benchmark, tmp_path: Path) -> None:
    FORM.write(benchmark_, tmp_path)
    images = tmp_path / "MMVP Images"
    assert {file.name for file in images.iterdir()} == {f"{number}.jpg" for number in range(1, 25)}
    known = {photo(number): number for number in range(28)}
    for row in rows_of(tmp_path):
        number = known[(images / f"{row['Index']}.jpg").read_bytes()]
        assert row["Question"] == f"Is thing {number // 2} open or closed?"
        assert row["Correct Answer"] == f"({right_for(number)})"


def right_for(number: int) -> str:
    """What the author of world/authoring.py said: of pair p, "ab"[p % 2] is right for the image of the smaller id."""
    one, other = (image_id("photos", f"{place:05d}") for place in (number, number ^ 1))
    return "ab"[(number // 2 + (one > other)) % 2]


def test_pairs_for_training_are_not_in_it(benchmark_: Benchmark, tmp_path: Path) -> None:
    FORM.write(benchmark_, tmp_path)
    asked = {row["Question"] for row in rows_of(tmp_path)}
    assert asked == {f"Is thing {place} open or closed?" for place in range(12)}


def test_a_png_becomes_a_jpeg_of_the_same_pixels(benchmark_: Benchmark, tmp_path: Path) -> None:
    smooth = Image.fromarray(np.random.default_rng(5).integers(0, 256, (8, 8, 3), dtype=np.uint8))
    smooth = smooth.resize((96, 80), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    smooth.save(stream, "PNG")
    (path := tmp_path / "photo.png").write_bytes(stream.getvalue())
    pair = benchmark_.pairs[0]
    facts = {"uri": str(path), "length": len(stream.getvalue()), "sha256": sha256(stream.getvalue()).hexdigest()}
    png: Photo = replace(pair.first.photo, format="PNG", **facts)
    changed = replace(benchmark_, pairs=(replace(pair, first=replace(pair.first, photo=png)),))
    (to := tmp_path / "to").mkdir()
    FORM.write(changed, to)
    with Image.open(to / "MMVP Images" / "1.jpg") as image:
        assert image.format == "JPEG"
        away = np.abs(np.asarray(image, dtype=int) - np.asarray(smooth, dtype=int))
    assert away.max() <= 16
    assert away.mean() < 2
