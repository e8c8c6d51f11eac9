"""Benchmark images among training images: found by id, by bytes and by looks, wherever the benchmark lies."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from world.authoring import author, frozen_run, paired_run, pairs_of, photo

from manifests.errors import Refused, Waiting
from manifests.stores.faults import Unreachable
from pipeline.benchmark.benchmark import Benchmark, read_benchmark
from pipeline.benchmark.formats.held_out import HeldOut, held_out
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.photos import Photo
from pipeline.findings import Finding
from pipeline.run.run import Run
from stages import images


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_run(tmp_path_factory.mktemp("runs"), 3, training=2)


@pytest.fixture(scope="module")
def benchmark(run: Path) -> Benchmark:
    return read_benchmark(Run.open(str(run)))


@pytest.fixture(scope="module")
def training(benchmark: Benchmark) -> Sequence[Photo]:
    return benchmark.of("training").photos


def lying_at(photo: Photo, path: Path, data: bytes) -> Photo:
    """A photo of another id whose bytes are these."""
    path.write_bytes(data)
    known = {"length": len(data), "sha256": sha256(data).hexdigest()}
    return replace(photo, image_id="f" * 32, key=path.stem, uri=str(path), **known)


def saved(image: Image.Image, form: str, **how: int) -> bytes:
    image.save(stream := io.BytesIO(), form, **how)
    return stream.getvalue()


def opened(photo: Photo) -> Image.Image:
    return Image.open(io.BytesIO(Path(photo.uri).read_bytes()))


def only(findings: Sequence[Finding], code: str) -> str:
    """What is found, which must be one finding of this code."""
    (finding,) = findings
    assert finding.code == code
    return f"{finding.where}: {finding.sentence}"


def told(held: HeldOut, photos: Sequence[Photo]) -> str:
    """What is found to be in a benchmark, which nobody can accept."""
    assert all(finding.hinders([finding.code]) for finding in held.check(photos))
    return only(held.check(photos), "in_a_benchmark")


def alike(held: HeldOut, photos: Sequence[Photo]) -> str:
    """What is found to look like an image of a benchmark, which a person may accept."""
    assert all(one.hinders(()) and not one.hinders([one.code]) for one in held.check(photos))
    return only(held.check(photos), "near_a_benchmark")


def uncompared(held: HeldOut, photos: Sequence[Photo]) -> str:
    """What is said of images of a benchmark that cannot be read, which hinders nothing."""
    assert not any(one.hinders(()) for one in held.check(photos))
    return only(held.check(photos), "not_compared")


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
        said = alike(held_out([benchmark], []), [copy])
        assert f"one of 1 images for training: photos/{number} looks like photos/{taken.key} of made; " in said
        assert said.endswith("look at both: reject the pair where they show the same, or accept that they look alike")


def drawing(x: int) -> bytes:
    """A black spot on white, as flat drawings are to a difference hash: hardly anything."""
    image = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(image).ellipse((x, 180, x + 12, 192), fill="black")
    return saved(image, "PNG")


def test_flat_drawings_of_different_things_look_alike_and_may_be_accepted(benchmark, tmp_path: Path) -> None:
    (held := tmp_path / "held").mkdir()
    (held / "1.png").write_bytes(drawing(20))
    other = lying_at(benchmark.photos[0], tmp_path / "other.png", drawing(350))
    assert f"photos/other looks like {held / '1.png'}" in alike(held_out([], [str(held)]), [other])


def test_what_is_the_same_and_what_looks_alike_are_two_findings(benchmark, training, tmp_path: Path) -> None:
    same, near, *_ = benchmark.of().photos
    copy = lying_at(near, tmp_path / "copy.jpg", CHANGES["worse"](opened(near)))
    first, second = held_out([benchmark], []).check([*training, same, copy])
    assert (first.code, second.code) == ("in_a_benchmark", "near_a_benchmark")
    assert (first.where, second.where) == ("1 of 6 images for training", "one of 6 images for training")
    assert f"photos/{same.key} is photos/{same.key} of made; reject" in first.sentence
    assert "photos/copy looks like" in second.sentence
    assert "photos/copy" not in first.sentence


def test_each_that_looks_alike_is_named_for_a_person_has_to_look_at_it(benchmark: Benchmark, tmp_path: Path) -> None:
    copies = [
        replace(lying_at(one, tmp_path / f"{at}.jpg", CHANGES["worse"](opened(one))), image_id=f"{at:032x}")
        for at, one in enumerate(benchmark.of().photos)
    ]
    findings = held_out([benchmark], []).check(copies)
    assert {(one.code, one.where) for one in findings} == {("near_a_benchmark", "one of 6 images for training")}
    assert [f"photos/{at} looks like" in one.sentence for at, one in enumerate(findings)] == [True] * 6


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
    taken = {photo.image_id: photo for photo in read_benchmark(Run.open(str(other))).of().photos}[pairs_of(other)[0][0]]
    author(other, [0], use="training")
    freeze(Run.open(str(other)))
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
    said = alike(held_out([], [str(tmp_path / "MMVP")]), training)
    assert re.search("one of 4 images", said)
    assert f"photos/{training[1].key} looks like {inside / '2.JPG'}" in said


@pytest.mark.parametrize("name", ["empty", "nowhere"])
def test_a_folder_without_images_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no image")
    with pytest.raises(Refused, match="neither a run nor a folder with images"):
        held_out([], [str(tmp_path / name)])


def test_a_file_of_a_folder_that_does_not_decode_is_refused_with_what_can_be_done(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(photo(1)[:200])
    with pytest.raises(Refused, match=r"broken\.jpg cannot be compared \(.*\); put an image .* or take it out of /"):
        held_out([], [str(tmp_path)])


LOSSES = {
    "gone": lambda path: path.unlink(),
    "changed": lambda path: path.write_bytes(photo(77).ljust(path.stat().st_size, b"\0")),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:200]),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_an_image_of_a_benchmark_that_is_lost_hinders_nothing_and_is_still_known_again(tmp_path, loss: str) -> None:
    made = read_benchmark(Run.open(str(frozen_run(tmp_path, 3, training=2))))
    training, lost = made.of("training").photos, made.of().photos[1]
    copy = lying_at(lost, tmp_path / "copy.jpg", lost.read())
    LOSSES[loss](Path(lost.uri))
    held = held_out([made], [])
    said = uncompared(held, training)
    assert said.startswith(f"1 of 6 images held out: photos/{lost.key} of made ({lost.uri}: ")
    assert said.endswith("); compared by id and bytes alone; put back what the run read to compare by looks too")
    for again, how in ((lost, "is"), (copy, "has the bytes of")):
        same, not_compared = held.check([*training, again])
        assert (same.code, not_compared.code) == ("in_a_benchmark", "not_compared")
        assert f"photos/{again.key} {how} photos/{lost.key} of made" in same.sentence
    other = lying_at(lost, tmp_path / "near.jpg", CHANGES["worse"](opened(made.of().photos[2])))
    assert [one.code for one in held.check([other])] == ["near_a_benchmark", "not_compared"]


def test_an_image_of_a_benchmark_that_never_decoded_is_not_compared(benchmark, training, tmp_path: Path) -> None:
    first = benchmark.pairs[0]
    odd = lying_at(first.first.photo, tmp_path / "odd.jpg", photo(5)[:-300])
    posed = replace(first, first=replace(first.first, photo=odd))
    held = held_out([replace(benchmark, pairs=(posed,))], [])
    assert "1 of 2 images held out: photos/odd of made (JPEG does not decode" in uncompared(held, training)


def test_of_many_lost_images_the_first_three_are_named(tmp_path: Path, training: Sequence[Photo]) -> None:
    lost = frozen_run(tmp_path, 3, name="lost")
    for path in (tmp_path / "lost-photos").iterdir():
        path.unlink()
    said = uncompared(held_out([], [str(lost)]), [replace(one, image_id=one.key) for one in training])
    assert said.startswith("6 of 6 images held out: ")
    assert said.count(" of lost (") == 3
    assert "and 3 more;" in said


@pytest.mark.parametrize("loss", LOSSES)
def test_an_image_for_training_that_is_lost_is_compared_by_id_and_bytes(benchmark, tmp_path, loss: str) -> None:
    taken, near = benchmark.of().photos[:2]
    lost = lying_at(taken, tmp_path / "lost.jpg", taken.read())
    unlike = replace(lying_at(near, tmp_path / "near.jpg", CHANGES["worse"](opened(near))), image_id="e" * 32)
    for one in (lost, unlike):
        LOSSES[loss](Path(one.uri))
    assert "1 of 2 images for training: photos/lost has the bytes of" in told(held_out([benchmark], []), [lost, unlike])


@pytest.mark.parametrize("side", ["benchmark", "training"])
def test_a_store_that_fails_is_raised(benchmark, training, monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    held = held_out([benchmark], [])

    def fails(*_: object) -> bytes:
        raise Unreachable("s3://bucket/x: no answer")

    monkeypatch.setattr(Photo, "read", fails)
    with pytest.raises(Unreachable):
        held_out([benchmark], []) if side == "benchmark" else held.check(training)


def test_two_runs_that_call_different_images_the_same_are_both_held_out(benchmark, training, tmp_path: Path) -> None:
    first = benchmark.of().pairs[0]
    namesake = replace(lying_at(training[0], tmp_path / "x.jpg", photo(500)), image_id=first.first.photo.image_id)
    other = replace(benchmark, pairs=(replace(first, first=replace(first.first, photo=namesake)),))
    copy = lying_at(training[0], tmp_path / "copy.jpg", first.first.photo.read())
    assert "photos/copy has the bytes of" in told(held_out([benchmark, other], []), [copy])


def test_of_300_images_against_300_each_is_decoded_once(tmp_path: Path, training: Sequence[Photo], monkeypatch) -> None:
    (held := tmp_path / "held").mkdir()
    for number in range(300):
        (held / f"{number}.jpg").write_bytes(photo(1000 + number))
    copies = [lying_at(training[0], tmp_path / f"{number}.jpg", photo(2000 + number)) for number in range(300)]
    ours = [replace(copy, image_id=f"{number:032x}") for number, copy in enumerate(copies)]
    decoded, decode = list[int](), images.decode
    monkeypatch.setattr(images, "decode", lambda data: decoded.append(len(data)) or decode(data))
    assert not held_out([], [str(held)]).check(ours)
    assert len(decoded) == 600
