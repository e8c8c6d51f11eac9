"""Decoding: images come prepared, in order, a bounded number ahead; one read and one decode serve all encoders."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from world.processes import until

from stages.embed import ordered
from stages.embed.decoding import Prepared, batches, prepared
from stages.embed.reading import Locator


class Eye:
    """An encoder that keeps what it was given, and does on the way what a test asks."""

    dim, batched, computed = 3, False, "Python"

    def __init__(self, act: Callable[[Image.Image], object] = lambda image: None, preparation: str = "") -> None:
        self.act, self.seen = act, list[Image.Image]()
        self.preparation = preparation or str(id(self))

    def prepare(self, image: Image.Image) -> Any:
        self.seen.append(image)
        self.act(image)
        return image.getpixel((0, 0))

    def encode(self, batch: Any) -> np.ndarray:
        return np.array(batch, np.float32)


def colour(number: int) -> tuple[int, int, int]:
    return number, 255 - number, 7


@pytest.fixture
def files(tmp_path: Path) -> list[Locator]:
    """Twenty pictures, each of its own colour."""
    paths = [tmp_path / f"{number}.png" for number in range(20)]
    for number, path in enumerate(paths):
        Image.new("RGB", (20, 10), colour(number)).save(path)
    return [Locator(place, *whole(path)) for place, path in enumerate(paths)]


def seen(stream: Iterator[Prepared]) -> list[tuple[int, Any]]:
    return [(image.place, image.inputs["eye"]) for image in stream]


@pytest.mark.parametrize("threads", [1, 3, 8])
@pytest.mark.parametrize("ahead", [1, 4, 50])
def test_images_come_in_order_whatever_the_threads(files: list[Locator], threads: int, ahead: int) -> None:
    slow_at_first = Eye(lambda image: time.sleep(0.01 if image.getpixel((0, 0))[0] % 4 == 0 else 0))
    stream = prepared(files, {"eye": slow_at_first}, threads=threads, ahead=ahead)
    assert seen(stream) == [(number, colour(number)) for number in range(20)]


@pytest.mark.parametrize("ahead", [1, 4])
def test_no_more_images_are_prepared_than_it_may_be_ahead(files: list[Locator], ahead: int) -> None:
    eye, taken = Eye(), 0
    for taken, _ in enumerate(prepared(files, {"eye": eye}, threads=3, ahead=ahead), 1):
        until(lambda taken=taken: len(eye.seen) >= min(20, taken + ahead - 1))
        time.sleep(0.005)  # time enough for threads that would run away
        assert len(eye.seen) <= taken + ahead - 1
    assert taken == 20


def test_an_image_is_read_once_for_all_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    class Counting(MemoryFileSystem):
        protocol = "counting"
        store: dict[str, Any] = {}  # noqa: RUF012 - as MemoryFileSystem has it
        pseudo_dirs = [""]  # noqa: RUF012

        def cat_file(self, path: str, *more: Any, **options: Any) -> bytes:
            reads.append(path)
            return super().cat_file(path, *more, **options)

    fsspec.register_implementation("counting", Counting, clobber=True)
    data = png((9, 9), "red")
    Counting().pipe_file("counting://pictures", data)
    located = [Locator(0, "counting://pictures", 0, len(data), hashlib.sha256(data).hexdigest())]
    (image,) = prepared(located, {"one": Eye(), "other": Eye(), "third": Eye()}, threads=2, ahead=4)
    assert (image.refusal, len(reads)) == (None, 1)


def png(size: tuple[int, int], shade: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, shade).save(stream, "PNG")
    return stream.getvalue()


def test_an_image_is_decoded_once_for_all_encoders(files: list[Locator]) -> None:
    one, other = Eye(), Eye()
    list(prepared(files[:1], {"one": one, "other": other}, threads=2, ahead=4))
    assert one.seen[0] is other.seen[0]


def test_encoders_that_prepare_images_alike_share_it(files: list[Locator]) -> None:
    one, same, other = Eye(preparation="a"), Eye(preparation="a"), Eye(preparation="b")
    images = list(prepared(files, {"one": one, "same": same, "other": other}, threads=2, ahead=4))
    assert (len(one.seen), len(same.seen), len(other.seen)) == (20, 0, 20)
    assert [image.inputs["same"] for image in images] == [colour(number) for number in range(20)]


def test_an_image_cut_in_its_body_has_a_reason_and_its_neighbours_have_none(
    tmp_path: Path, files: list[Locator]
) -> None:
    path = tmp_path / "cut.jpg"
    Image.effect_noise((200, 200), 90).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    located = [files[0], Locator(1, *whole(path)), Locator(2, *_where(files[2]))]
    reasons = [image.refusal and image.refusal.status for image in prepared(located, {}, threads=2, ahead=2)]
    assert reasons == [None, "truncated", None]


def _where(locator: Locator) -> tuple[str, int, int, str]:
    return locator.uri, locator.offset, locator.length, locator.sha256


def test_a_file_that_is_gone_has_a_reason(tmp_path: Path) -> None:
    (image,) = prepared([Locator(5, str(tmp_path / "gone.png"), 0, 9, "")], {}, threads=1, ahead=1)
    assert (image.place, image.refusal and image.refusal.status) == (5, "unreadable")


def raising(error: Exception) -> Callable[[Image.Image], None]:
    def act(image: Image.Image) -> None:
        if image.getpixel((0, 0)) == colour(3):
            raise error

    return act


def test_an_image_an_encoder_cannot_prepare_is_rejected_with_the_encoders_words(files: list[Locator]) -> None:
    eye = Eye(raising(ValueError("height and width\nmust be > 0")))
    refusals = [image.refusal for image in prepared(files, {"eye": eye}, threads=2, ahead=4)]
    assert [place for place, refusal in enumerate(refusals) if refusal] == [3]
    assert refusals[3] is not None
    assert refusals[3].status == "unprepared"
    assert refusals[3].sentence == "the encoder eye cannot prepare it: ValueError: height and width must be > 0"


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")], ids=["host", "GPU"])
def test_memory_that_runs_out_is_the_machines_failure_not_the_images(files: list[Locator], error: Exception) -> None:
    with pytest.raises(type(error)):
        list(prepared(files, {"eye": Eye(raising(error))}, threads=2, ahead=4))


def test_a_reader_that_stops_early_leaves_no_work_and_no_thread_behind(
    files: list[Locator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second image is at work until what waits behind it is to be dropped."""
    dropped, wait = threading.Event(), ordered.wait
    monkeypatch.setattr(ordered, "wait", lambda at_work: (dropped.set(), wait(at_work)))
    eye = Eye(lambda image: image.getpixel((0, 0)) == colour(1) and dropped.wait())
    stream = prepared(files, {"eye": eye}, threads=1, ahead=20)
    next(stream)
    stream.close()
    assert len(eye.seen) <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


@given(st.integers(0, 30), st.integers(1, 40))
def test_batches_hold_every_image_once_in_order(count: int, size: int) -> None:
    cut = list(batches([Prepared(place, {}) for place in range(count)], size))
    assert [image.place for batch in cut for image in batch] == list(range(count))
    assert all(len(batch) == size for batch in cut[:-1])


def whole(path: Path) -> tuple[str, int, int, str]:
    """A file as a locator's uri, offset, length and hash."""
    data = path.read_bytes()
    return str(path), 0, len(data), hashlib.sha256(data).hexdigest()
