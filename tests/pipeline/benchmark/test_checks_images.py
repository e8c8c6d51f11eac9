"""Checks of the images: each is there as people saw it, no pair is one file twice, no two pairs show one thing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageEnhance, PngImagePlugin
from world.authoring import frozen_run, photo

from pipeline.benchmark.benchmark import Benchmark, asks, read_benchmark
from pipeline.benchmark.checks import near
from pipeline.benchmark.checks.check import check
from pipeline.findings import Finding
from pipeline.run.run import Run


@pytest.fixture
def made(tmp_path: Path) -> Benchmark:
    return read_benchmark(Run.open(str(frozen_run(tmp_path, 6)))).of()


def errors(benchmark: Benchmark) -> list[Finding]:
    return [one for one in check(benchmark, asks) if one.severity == "error"]


def with_bytes(benchmark: Benchmark, number: int, place: int, data: bytes) -> Benchmark:
    """The benchmark with other bytes for one image, and the images table saying so."""
    pairs = list(benchmark.pairs)
    pair, side = pairs[number], pairs[number].sides[place]
    Path(side.photo.uri).write_bytes(data)
    told = replace(side.photo, length=len(data), sha256=sha256(data).hexdigest())
    pairs[number] = replace(pair, **{("first", "second")[place]: replace(side, photo=told)})
    return replace(benchmark, pairs=tuple(pairs))


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def scene(number: int) -> Image.Image:
    """What a photo is to a difference hash: slopes of light in all directions, 400 x 300."""
    coarse = np.random.default_rng(number).integers(0, 256, (10, 13, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((400, 300), Image.Resampling.BICUBIC)


def test_an_image_that_vanished_is_named_with_its_question_and_why(made: Benchmark) -> None:
    gone = made.pairs[2].second.photo
    Path(gone.uri).unlink()
    (finding,) = errors(made)
    assert (finding.code, finding.where, finding.acceptable) == ("image_gone", "question 6", False)
    assert f"photos/{gone.key} is unreadable" in finding.sentence
    assert "No such file" in finding.sentence


@pytest.mark.parametrize(
    ("data", "status"), [(b"GIF90 no", "not_an_image"), (photo(5)[:-300], "truncated"), (b"", "empty")]
)
def test_an_image_that_does_not_decode_is_named_with_why(made: Benchmark, data: bytes, status: str) -> None:
    (finding,) = errors(with_bytes(made, 0, 0, data))
    assert (finding.code, finding.where) == ("image_gone", "question 1")
    assert f" is {status} (" in finding.sentence


def test_an_image_that_became_shorter_is_named(made: Benchmark) -> None:
    path = Path(made.pairs[1].first.photo.uri)
    path.write_bytes(path.read_bytes()[:-7])
    assert [(one.code, one.where) for one in errors(made)] == [("image_gone", "question 3")]


@pytest.mark.parametrize("data", [b"no image at all", photo(5)[:300]])
def test_a_file_that_was_changed_is_called_so_whether_it_decodes_or_not(made: Benchmark, data: bytes) -> None:
    there = made.pairs[4].second.photo
    Path(there.uri).write_bytes(data.ljust(there.length, b"\0"))
    (finding,) = errors(made)
    assert (finding.code, finding.where) == ("image_changed", "question 10")
    assert f"photos/{there.key} was changed since the run read it" in finding.sentence


def test_another_image_in_an_images_place_is_found(made: Benchmark) -> None:
    path = Path(made.pairs[5].first.photo.uri)
    data = bytearray(path.read_bytes())
    stream = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        ImageEnhance.Color(image).enhance(0.1).save(stream, "JPEG", quality=50)
    path.write_bytes(stream.getvalue() + bytes(len(data) - len(stream.getvalue())))
    (finding,) = errors(made)
    assert (finding.code, finding.where, finding.acceptable) == ("image_changed", "question 11", False)


@pytest.mark.parametrize(("form", "found"), [("JPEG", ["turned_by_exif"]), ("PNG", ["turned_by_exif"]), ("TIFF", [])])
def test_an_image_that_readers_turn_and_people_saw_unturned_is_found(
    made: Benchmark, form: str, found: list[str]
) -> None:
    stream, exif = io.BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    scene(1).save(stream, form, exif=exif)
    told = errors(with_bytes(made, 1, 0, stream.getvalue()))
    assert [(one.code, one.where) for one in told if one.code in ("turned_by_exif", "image_gone")] == [
        (code, "question 3") for code in found
    ]
    assert not any(one.hinders(found) for one in told if one.code == "turned_by_exif")


def saved(form: str, **told: Any) -> bytes:
    scene(2).save(stream := io.BytesIO(), form, **told)
    return stream.getvalue()


def exif_of(tag: int, value: Any) -> Image.Exif:
    exif = Image.Exif()
    exif[tag] = value
    return exif


def placed_at(latitude: float) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (latitude, 0.0, 0.0)
    return exif


def png_text(**words: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for name, text in words.items():
        info.add_text(name, text)
    return info


TELLING = {
    "a description": ("text", lambda: saved("JPEG", exif=exif_of(ExifTags.Base.ImageDescription, "a shut door"))),
    "words of Windows": ("text", lambda: saved("JPEG", exif=exif_of(ExifTags.Base.XPComment, b"s\0h\0u\0t\0"))),
    "a comment": ("text", lambda: saved("JPEG", comment=b"a shut door")),
    "XMP": ("text", lambda: saved("JPEG", xmp=b"<x:xmpmeta/>")),
    "XMP of a WebP": ("text", lambda: saved("WEBP", xmp=b"<x:xmpmeta/>")),
    "text in a PNG": ("text", lambda: saved("PNG", pnginfo=png_text(Description="a shut door"))),
    "a place": ("a place", lambda: saved("JPEG", exif=placed_at(52.0))),
}


@pytest.mark.parametrize("way", TELLING)
def test_words_or_a_place_in_the_metadata_are_a_warning(made: Benchmark, way: str) -> None:
    told, data = TELLING[way]
    found = check(with_bytes(made, 3, 1, data()), asks)
    (finding,) = (one for one in found if one.code == "metadata_tells")
    assert (finding.severity, finding.where) == ("warning", "question 8")
    assert f"photos/{made.pairs[3].second.photo.key} has {told} in its metadata" in finding.sentence
    assert not finding.hinders(())


@pytest.mark.parametrize(
    "told",
    [{}, {"exif": exif_of(ExifTags.Base.Make, "Canon")}, {"exif": exif_of(ExifTags.Base.Orientation, 1)},
     {"dpi": (72, 72)}],
    ids=["none", "camera", "unturned", "dots"],
)  # fmt: skip
def test_metadata_without_words_or_a_place_is_let_be(made: Benchmark, told: dict[str, Any]) -> None:
    found = check(with_bytes(made, 3, 1, saved("JPEG", **told)), asks)
    assert "metadata_tells" not in {one.code for one in found}


def test_one_file_on_both_sides_is_found(made: Benchmark) -> None:
    data = Path(made.pairs[3].first.photo.uri).read_bytes()
    (finding,) = errors(with_bytes(made, 3, 1, data))
    assert (finding.code, finding.where, finding.acceptable) == ("same_image", "questions 7 and 8", False)


def test_every_image_is_read_once_however_often_it_is_asked_about(
    made: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(type(made.photos[0]), "read", lambda self: read.append(self.key) or photo(int(self.key)))
    check(replace(made, pairs=made.pairs + made.pairs[:3]), asks)
    assert sorted(read) == sorted(photo.key for photo in made.photos)


@pytest.mark.parametrize(
    "copy",
    [
        lambda image: image,
        lambda image: image.resize((200, 150), Image.Resampling.LANCZOS),
        lambda image: image.resize((224, 224), Image.Resampling.BICUBIC),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
        lambda image: image.crop((2, 2, 399, 299)),
        lambda image: image.convert("L").convert("RGB"),
    ],
    ids=["written anew", "half its size", "squashed", "darker", "cut a little", "grey"],
)
def test_a_copy_in_another_pair_is_found_and_may_be_accepted(made: Benchmark, copy) -> None:
    benchmark = with_bytes(made, 1, 1, jpeg(scene(1)))
    (finding,) = errors(with_bytes(benchmark, 4, 0, jpeg(copy(scene(1)), quality=50)))
    first, second = made.pairs[1].second.photo.key, made.pairs[4].first.photo.key
    assert (finding.code, finding.where, finding.acceptable) == ("near_duplicate_images", "question 9", True)
    assert f"photos/{second} is nearly (dHash " in finding.sentence
    assert f"photos/{first} of question 4" in finding.sentence
    assert finding.hinders(())
    assert not finding.hinders(("near_duplicate_images",))


def test_the_same_file_in_two_pairs_is_called_so(made: Benchmark) -> None:
    data = Path(made.pairs[0].first.photo.uri).read_bytes()
    (finding,) = errors(with_bytes(made, 5, 1, data))
    assert (finding.code, finding.where) == ("near_duplicate_images", "question 12")
    assert "is the same file as" in finding.sentence


def test_two_images_of_one_pair_may_be_near(made: Benchmark) -> None:
    near_one = ImageEnhance.Brightness(scene(3)).enhance(0.9)
    assert errors(with_bytes(with_bytes(made, 2, 0, jpeg(scene(3))), 2, 1, jpeg(near_one))) == []


def test_of_many_copies_each_later_pair_is_named_once(made: Benchmark) -> None:
    for number in range(6):
        made = with_bytes(made, number, number % 2, jpeg(scene(9), quality=60 + number))
    findings = errors(made)
    assert [one.where for one in findings] == [f"question {2 * n + 1 + n % 2}" for n in range(1, 6)]
    assert "and 4 more pairs have such an image" in findings[-1].sentence


@pytest.mark.parametrize("block", [1, 3, 7, 1000])
def test_near_images_are_those_that_bits_counted_one_by_one_say(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    rng = np.random.default_rng(4)
    bits = rng.random((20, 256)) < 0.5
    for at, flips in ((7, 32), (11, 33), (15, 0)):  # of image 2: one at the bound, one beyond it, a copy
        bits[at] = bits[2]
        bits[at, rng.permutation(256)[:flips]] ^= True
    of = np.array([at // 2 for at in range(20)])
    monkeypatch.setattr(near, "BLOCK", block)
    found = sorted(near._near(bits, of))
    assert found == sorted(
        (one, other, apart)
        for one in range(20)
        for other in range(20)
        if of[one] < of[other] and (apart := sum(a != b for a, b in zip(bits[one], bits[other], strict=True))) <= 32
    )
    assert {(one, other) for one, other, _ in found} >= {(2, 7), (2, 15)}
    assert (2, 11) not in {(one, other) for one, other, _ in found}


def photos_of_the_world(shared: Path) -> Sequence[Path]:
    return sorted((shared / "photos" / "imagenet").rglob("*.JPEG"))


@pytest.mark.shared
def test_of_real_photos_no_two_are_near_and_each_is_near_itself_made_small(shared: Path) -> None:
    from pipeline.benchmark.checks.looks import _bits

    paths = photos_of_the_world(shared)[:60]
    assert len(paths) == 60
    whole, small = [], []
    for path in paths:
        with Image.open(path) as image:
            whole.append(_bits(image.convert("RGB")))
            small.append(_bits(image.convert("RGB").resize((224, 224))))
    for at, bits in enumerate(whole):
        near_ones = [other for other, others in enumerate(small) if (bits != others).sum() <= near.NEAR]
        assert near_ones == [at]
