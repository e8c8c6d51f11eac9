"""A folder of a benchmark: each of its images is held out, whatever it is called and however it is packed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from world.authoring import frozen_run, photo
from world.hidden_images import HIDDEN
from world.tars import packed

from manifests.errors import Refused
from pipeline.benchmark.benchmark import read_benchmark
from pipeline.benchmark.formats.held_out import held_out
from pipeline.benchmark.formats.writing.forms import FORMS
from pipeline.benchmark.photos import Photo
from pipeline.cli.formats import export_to
from pipeline.run.run import Run
from stages import images


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_run(tmp_path_factory.mktemp("runs"), 2, training=1)


@pytest.fixture(scope="module")
def training(run: Path) -> Sequence[Photo]:
    return read_benchmark(Run.open(str(run))).of("training").photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A benchmark of one plain .jpg, to which a test adds."""
    (made := tmp_path / "benchmark").mkdir()
    (made / "README.md").write_text("# MMVP\n\nImages and questions.\n")
    (made / "plain.jpg").write_bytes(photo(1000))
    return made


def met(folder: Path, training: Sequence[Photo]) -> list[str]:
    """What is said of training images that are in the folder."""
    return [f"{one.code}: {one.sentence}" for one in held_out([], [str(folder)]).check(training)]


@pytest.mark.parametrize("way", HIDDEN)
def test_an_image_is_found_and_named_where_it_lies(folder: Path, training: Sequence[Photo], way: str) -> None:
    called = HIDDEN[way](folder, training[0].read())
    (said,) = met(folder, training)
    assert said.startswith(f"in_a_benchmark: photos/{training[0].key} has the bytes of {called}; reject")


@pytest.mark.parametrize("way", ["a_tar", "a_zip", "a_parquet_with_hub_struct", "a_tsv", "a_file_named_1"])
def test_an_image_saved_anew_is_found_by_its_looks(folder: Path, training: Sequence[Photo], way: str) -> None:
    with Image.open(io.BytesIO(training[1].read())) as image:
        image.resize((48, 48)).save(stream := io.BytesIO(), "WEBP", quality=90)
    called = HIDDEN[way](folder, stream.getvalue())
    (said,) = met(folder, training)
    assert said.startswith(f"near_a_benchmark: photos/{training[1].key} looks like {called}; ")


@pytest.mark.parametrize("form", [name for name in FORMS if name not in ("llava", "cambrian")])
def test_what_we_export_is_held_out_when_it_is_named(run: Path, tmp_path: Path, form: str) -> None:
    export_to(Run.open(str(run)), form, tmp_path / "out")
    benchmark = read_benchmark(Run.open(str(run))).of()
    same = [replace(one, image_id=f"{at:032x}") for at, one in enumerate(benchmark.photos)]
    (said,) = met(tmp_path / "out", same)
    assert said.startswith("in_a_benchmark: ")
    assert "and 1 more" in said


@pytest.mark.parametrize("way", ["a_tar", "a_zip", "a_parquet_with_bytes", "a_tsv", "a_file_named_1"])
def test_a_file_may_be_named_in_place_of_its_folder(tmp_path: Path, training: Sequence[Photo], way: str) -> None:
    (folder := tmp_path / "benchmark").mkdir()
    called = HIDDEN[way](folder, training[0].read())
    (file,) = folder.iterdir()
    (said,) = met(file, training)
    assert f"has the bytes of {called};" in said


def test_a_folder_of_a_bucket_may_be_named(bucket: str, training: Sequence[Photo]) -> None:
    from fsspec.core import url_to_fs

    fs, root = url_to_fs(f"{bucket}/MMVP")
    fs.pipe(f"{root}/images/one", training[0].read())
    (said,) = met(f"{bucket}/MMVP", training)
    assert f"has the bytes of {bucket}/MMVP/images/one;" in said


def test_each_image_is_decoded_once_however_often_it_lies_there(folder: Path, monkeypatch) -> None:
    for way in ("a_tar", "a_zip", "a_tsv", "a_linked_folder", "a_parquet_with_hub_struct"):
        HIDDEN[way](folder, photo(1000))
    decoded = list[int]()
    real = images.decode
    monkeypatch.setattr(images, "decode", lambda data: decoded.append(len(data)) or real(data))
    assert len(held_out([], [str(folder)]).seen) == len(decoded) == 1


# --- what is plainly no image ---

WORDS = "Les élèves ont vu 3 chiens, 犬が三匹, and -1.5e3 %\t\x1b[1mdogs\x1b[0m\r\n" * 50
DOUBLE = b"\0\x05\x16\x07\0\2\0\0Mac OS X        " + bytes(range(256))  # what a Mac keeps beside a file
OTHER = {
    "notes.txt": b"no image",
    "empty": b"",
    "__init__.py": b"",
    "README.md": f"# {WORDS}".encode(),
    "questions.json": b'{"question": "Is it?", "hash": "' + b"0123456789abcdef" * 16 + b'"}',
    "tokens.jsonl": b'{"token": "' + b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 100 + b'"}\n',
    "sums.sha256": b"".join(b"%064x  x.jpg\n" % number for number in range(500)),
    "page.html": b"<!DOCTYPE html><html><body><svg width='1'></svg></body></html>",
    "code.py": b"MAGIC = (b'\\xff\\xd8\\xff', b'\\x89PNG\\r\\n', '/9j/', 'iVBORw0KGgo')\n",
    "Latin.txt": WORDS.replace("犬が三匹", "").encode("latin-1"),
    "Big5.txt": "犬が三匹".encode("shift-jis") * 100,
    "wide.txt": WORDS.encode("utf-16"),
    "code.pyc": b"\xa7\r\r\n\0\0\0\0" + bytes(range(256)),
    "tool.so": b"\x7fELF\2\1\1\0" + bytes(range(256)),
    "letters.ttf": b"\0\1\0\0\0\x11" + bytes(range(256)),
    "speech.wav": b"RIFF\0\1\0\0WAVEfmt " + bytes(range(256)),
    ".DS_Store": b"\0\0\0\1Bud1\0\0\x10\0" + bytes(range(256)),
    "._plain.jpg": DOUBLE,
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)),
    ".git/objects/ab/cdef": b"x\x01" + bytes(range(256)),
    ".git/objects/pack/x.pack": b"PACK\0\0\0\2\0\0\0\1" + bytes(range(256)),
    "mac.tar": packed([("in/._1.jpg", DOUBLE), ("._2.jpg", DOUBLE), ("3.txt", b"words")]),
    "magic.js": b"const PNG = [137, 80, 78, 71, 13, 10, 26, 10], JPEG = [255, 216, 255, 224];",
    "P1.txt": b"P1 and P2 are prompts",
    "BM.txt": b"BM25 is a ranking function",
    "begin.txt": b"%d of MM*\n" % 3,
}


@pytest.mark.parametrize("name", OTHER)
def test_what_is_plainly_no_image_is_passed_over(folder: Path, training: Sequence[Photo], name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(OTHER[name])
    held = held_out([], [str(folder)])
    assert [one.name for one in held.seen] == [str(folder / "plain.jpg")]
    assert not held.check(training)


@pytest.mark.parametrize("name", OTHER)
def test_a_folder_of_such_files_alone_is_refused(tmp_path: Path, name: str) -> None:
    (path := tmp_path / "benchmark" / name).parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(OTHER[name])
    with pytest.raises(Refused, match="neither a run nor a folder with images"):
        held_out([], [str(tmp_path / "benchmark")])


# --- how much of it is in memory ---

SCRIPT = """
from pipeline.benchmark.formats.held_out import held_out
held_out([], [sys.argv[1] + "/small"])
before = peak()
print(len(held_out([], [sys.argv[1] + "/large"]).seen), peak() - before)
"""
LARGE = 1 << 20  # bytes of an image
COUNT = 96


def noise(number: int) -> bytes:
    import numpy as np

    pixels = np.random.default_rng(number).integers(0, 256, (LARGE // 1536, 512, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream := io.BytesIO(), "BMP")
    return stream.getvalue()


def large_tar(folder: Path, pictures: Iterator[bytes]) -> None:
    import tarfile

    with tarfile.open(folder / "x.tar.gz", "w:gz", compresslevel=0) as archive:
        for number, data in enumerate(pictures):
            (entry := tarfile.TarInfo(f"{number}")).size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def large_parquet(folder: Path, pictures: Iterator[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"image": pa.array([{"bytes": data} for data in pictures])})
    pq.write_table(table, folder / "x.parquet", use_dictionary=False, compression="none", write_batch_size=1)


def large_json(folder: Path, pictures: Iterator[bytes]) -> None:
    import base64
    import json

    (folder / "x.json").write_text(json.dumps([base64.b64encode(data).decode() for data in pictures]))


@pytest.mark.slow
@pytest.mark.parametrize("write", [large_tar, large_parquet, large_json])
def test_a_large_file_is_never_in_memory_whole(tmp_path: Path, write) -> None:
    from world.processes import printed

    for name, count in (("small", 1), ("large", COUNT)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, (noise(number) for number in range(count)))
    found, grew = printed(SCRIPT, str(tmp_path))
    assert found == COUNT
    assert grew < 64  # MiB, of 96 in the file
