"""Benchmark images among training images: found by id, by bytes and by looks, wherever the benchmark lies."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from world.authoring import author, frozen_run, paired_run, pairs_of, photo

from manifests.errors import Refused, Waiting
from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.photos import Photo
from pipeline.exchange.held_out import HeldOut, held_out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_run(tmp_path_factory.mktemp("runs"), 3, training=2)


@pytest.fixture(scope="module")
def benchmark(run: Path) -> Benchmark:
    return read_benchmark(str(run))


@pytest.fixture(scope="module")
def training(benchmark: Benchmark) -> Sequence[Photo]:
    return benchmark.of("training").photos


def lying_at(photo: Photo, path: Path, data: bytes) -> Photo:
    """A photo of another id whose bytes are these."""
    path.write_bytes(data)
    return replace(photo, image_id="f" * 32, key=path.stem, uri=str(path), length=len(data))


def saved(image: Image.Image, form: str, **how: int) -> bytes:
    image.save(stream := io.BytesIO(), form, **how)
    return stream.getvalue()


def opened(photo: Photo) -> Image.Image:
    return Image.open(io.BytesIO(Path(photo.uri).read_bytes()))


def told(held: HeldOut, photos: Sequence[Photo]) -> str:
    """What is found, which must be one finding that nobody can accept."""
    (finding,) = held.check(photos)
    assert finding.hinders([finding.code])
    return f"{finding.where}: {finding.sentence}"


def test_other_images_pass(benchmark: Benchmark, training: Sequence[Photo]) -> None:
    assert len(training) == 4
    assert not held_out([benchmark], []).check(training)


def test_an_image_of_the_benchmark_is_refused_by_name(benchmark: Benchmark, training: Sequence[Photo]) -> None:
    taken = benchmark.of().photos[2]
    said = told(held_out([benchmark], []), [*training, taken])
    assert re.search("1 of 5 images for training", said)
    assert f"photos/{taken.key} is photos/{taken.key} of made" in said


def test_a_copy_under_another_name_is_known_by_its_bytes(benchmark: Benchmark, tmp_path: Path) -> None:
    taken = benchmark.of().photos[0]
    copy = lying_at(taken, tmp_path / "copy.jpg", taken.read())
    assert re.search(
        f"photos/copy has the bytes of photos/{taken.key} of made", told(held_out([benchmark], []), [copy])
    )


CHANGES = {
    "smaller": lambda image: saved(image.resize((40, 40)), "JPEG", quality=90),
    "larger": lambda image: saved(image.resize((200, 200)), "PNG"),
    "worse": lambda image: saved(image, "JPEG", quality=50),
    "brighter": lambda image: saved(image.point(lambda value: value * 9 // 10 + 20), "WEBP"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_saved_otherwise_is_known_by_its_looks(benchmark: Benchmark, tmp_path: Path, change: str) -> None:
    for number, taken in enumerate(benchmark.of().photos):
        copy = lying_at(taken, tmp_path / f"{number}.img", CHANGES[change](opened(taken)))
        assert re.search(f"looks like photos/{taken.key} of made", told(held_out([benchmark], []), [copy]))


def test_it_names_the_first_three_and_how_many_more(benchmark: Benchmark) -> None:
    said = told(held_out([benchmark], []), benchmark.of().photos)
    assert "6 of 6 images" in said
    assert said.count(" of made") == 3
    assert "and 3 more;" in said


def test_pairs_for_training_are_no_benchmark(benchmark: Benchmark, training: Sequence[Photo]) -> None:
    assert len(held_out([benchmark], []).seen) == 6
    assert not held_out([], []).check(training)


def test_the_benchmark_of_another_run_is_held_out_too(run: Path, training: Sequence[Photo], tmp_path: Path) -> None:
    other = frozen_run(tmp_path, 5, name="other")  # the photos of its pairs are the first run's
    assert re.search("4 of 4 images for training", told(held_out([], [str(other)]), training))


def test_every_version_of_another_run_is_held_out(tmp_path: Path) -> None:
    other = frozen_run(tmp_path, 3, name="other")
    taken = {photo.image_id: photo for photo in read_benchmark(str(other)).of().photos}[pairs_of(other)[0][0]]
    author(other, [0], use="training")
    freeze(str(other))
    assert "1 of 1 images" in told(held_out([], [str(other)]), [taken])
    assert len(held_out([], [str(other)]).seen) == 6  # of both versions, each image once


def test_a_run_in_which_nothing_is_frozen_says_what_it_waits_for(tmp_path: Path) -> None:
    with pytest.raises(Waiting, match="blindpairs freeze"):
        held_out([], [str(paired_run(tmp_path, 1))])


def test_the_images_of_a_published_folder_are_held_out(training: Sequence[Photo], tmp_path: Path) -> None:
    (inside := tmp_path / "MMVP" / "MMVP Images").mkdir(parents=True)
    (tmp_path / "MMVP" / "Questions.csv").write_text("Index,Question,Options,Correct Answer\n")
    (inside / "1.jpg").write_bytes(photo(1000))
    (inside / "2.JPG").write_bytes(saved(opened(training[1]).resize((224, 224)), "JPEG"))
    said = told(held_out([], [str(tmp_path / "MMVP")]), training)
    assert re.search("1 of 4 images", said)
    assert f"photos/{training[1].key} looks like {inside / '2.JPG'}" in said


@pytest.mark.parametrize("name", ["empty", "nowhere"])
def test_a_folder_without_images_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no image")
    with pytest.raises(Refused, match="neither a run nor a folder with images"):
        held_out([], [str(tmp_path / name)])


def test_an_image_that_cannot_be_compared_is_refused_by_name(benchmark, training, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(photo(1)[:200])
    with pytest.raises(Refused, match=r"broken\.jpg cannot be compared"):
        held_out([], [str(tmp_path)])
    gone = replace(training[0], uri=str(tmp_path / "gone.jpg"))
    with pytest.raises(Refused, match="cannot be compared"):
        held_out([benchmark], []).check([gone])


def test_300_images_against_300_take_seconds(tmp_path: Path, training: Sequence[Photo]) -> None:
    (held := tmp_path / "held").mkdir()
    for number in range(300):
        (held / f"{number}.jpg").write_bytes(photo(1000 + number))
    copies = [lying_at(training[0], tmp_path / f"{number}.jpg", photo(2000 + number)) for number in range(300)]
    ours = [replace(copy, image_id=f"{number:032x}") for number, copy in enumerate(copies)]
    began = time.monotonic()
    assert not held_out([], [str(held)]).check(ours)
    assert time.monotonic() - began < 10
