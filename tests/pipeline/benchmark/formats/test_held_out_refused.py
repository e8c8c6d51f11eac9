"""A file of a benchmark that may be an image, or hold some, and cannot be read: it is named, never passed over."""

from __future__ import annotations

import binascii
import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from world.authoring import frozen_run, paired_run, photo
from world.downloads import as_nobody
from world.hidden_images import PICTURE, text_of
from world.tars import packed, with_entry

from manifests.errors import Refused, Waiting
from pipeline.benchmark.formats.held_out import held_out
from pipeline.run.run import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A benchmark of one readable .jpg, to which a test adds."""
    (made := tmp_path / "benchmark").mkdir()
    (made / "plain.jpg").write_bytes(photo(1000))
    return made


def refusal(place: str | Path) -> str:
    with pytest.raises(Refused) as refused:
        held_out([], [str(place)])
    assert "\n" not in str(refused.value)
    return str(refused.value)


def tiff(*, reduced: bool = False, raw: bool = False, pages: int = 1) -> bytes:
    """A TIFF whose first image is a small version of another, is camera RAW (DNG), or is one page of several."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[254] = 1 if reduced else 0
    if raw:
        tags[50706] = b"\1\4\0\0"
    first, *more = (Image.open(io.BytesIO(photo(number))) for number in range(pages))
    first.save(stream := io.BytesIO(), "TIFF", tiffinfo=tags, save_all=True, append_images=more)
    return stream.getvalue()


def zipped(data: bytes, name: str = "1.jpg", *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w", method) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


def encrypted(data: bytes) -> bytes:
    """A zip whose one member is marked as encrypted, in both of its headers."""
    whole = bytearray(zipped(data, method=zipfile.ZIP_STORED))
    whole[6] |= 1
    whole[whole.index(b"PK\1\2") + 8] |= 1
    return bytes(whole)


def of_method(method: int) -> bytes:
    whole = bytearray(zipped(photo(1), method=zipfile.ZIP_STORED))
    struct.pack_into("<H", whole, 8, method)
    struct.pack_into("<H", whole, whole.index(b"PK\1\2") + 10, method)
    return bytes(whole)


def nested(times: int) -> bytes:
    data = photo(1)
    for _ in range(times):
        data = zipped(data, "inner")
    return data


def table(**columns: pa.Array) -> bytes:
    pq.write_table(pa.table(columns), stream := io.BytesIO())
    return stream.getvalue()


def saved(form: str) -> bytes:
    with Image.open(io.BytesIO(photo(1))) as image:
        image.save(stream := io.BytesIO(), form)
    return stream.getvalue()


def uuencoded(data: bytes) -> bytes:
    return b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)) + b"`\nend\n"


FORMS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def damaged_arrow() -> bytes:
    """An Arrow stream whose one value ends far behind the file, which Arrow itself does not notice."""
    table = pa.table({"image": [b"x" * 12345]})
    with pa.ipc.new_stream(stream := io.BytesIO(), table.schema) as writer:
        writer.write_table(table)
    head, _, rest = stream.getvalue().rpartition(struct.pack("<ii", 0, 12345))  # where values end, behind the metadata
    return head + struct.pack("<ii", 0, (1 << 31) - 1) + rest


def link(kind: bytes) -> bytes:
    entry = tarfile.TarInfo("2.jpg")
    entry.type, entry.linkname = kind, "../elsewhere/2.jpg"
    return with_entry(entry, [("1.jpg", photo(1))])


def pointer(size: int = 1234) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize {size}\n".encode()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9"><path d="M0 0h9"/></svg>'
HEADED = b'<?xml version="1.0"?>\n<!-- Generator: x -->\n<!DOCTYPE svg PUBLIC "a" "b" [<!ENTITY c "d">]>\n' + SVG
# (name, bytes, what is said of it); every name is called plainly, so that the bytes alone decide
CANNOT: dict[str, tuple[str, bytes, str]] = {
    "heic": ("1", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "is a HEIC image"),
    "heif_of_mif1": ("1", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(200), "1 cannot be compared"),
    "svg": ("1", SVG, "is an SVG image"),
    "svg_with_a_head": ("1", HEADED, "is an SVG image"),
    "svgz": ("1", gzip.compress(SVG), "is an SVG image"),
    "psd": ("1", b"8BPS\0\1" + bytes(200), "is a Photoshop image"),
    "eps": ("1", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is PostScript"),
    "eps_with_a_preview": ("1", b"\xc5\xd0\xd3\xc6" + bytes(200), "is PostScript"),
    "jpeg_xl": ("1", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(200), "is a JPEG XL image"),
    "jpeg_xl_alone": ("1", b"\xff\x0a" + bytes(range(256)), "is of no kind that is known here"),
    "jpeg_xl_by_name": ("1.jxl", b"\xff\x0a" + bytes(range(256)), "1.jxl is of no kind that is known here"),
    "jpeg_xr": ("1", b"II\xbc\1" + bytes(200), "is a JPEG XR image"),
    "raw_of_canon": ("1", b"II*\0\x10\0\0\0CR\2\0" + bytes(200), "is a camera RAW image"),
    "raw_of_canon_3": ("1", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(200), "is a camera RAW image"),
    "raw_of_olympus": ("1", b"IIRO\x08\0\0\0" + bytes(200), "is a camera RAW image"),
    "raw_of_fuji": ("1", b"FUJIFILMCCD-RAW 0201" + bytes(200), "is a camera RAW image"),
    "raw_of_panasonic": ("1", b"IIU\0\x18\0\0\0" + bytes(200), "is a camera RAW image"),
    "dng": ("1", tiff(raw=True), "is a camera RAW image"),
    "nef": ("1", tiff(reduced=True), "begins with a small version of its image"),
    "tiff_of_pages": ("1", tiff(pages=3), "holds 3 images"),
    "icon": ("1", b"\0\0\1\0\1\0\x10\x10" + bytes(200), "is of no kind"),
    "pdf": ("1", b"%PDF-1.7\n%words\n", "is a PDF"),
    "xpm": ("1", b"/* XPM */\nstatic char *x[] = {};", "is an XPM image"),
    "film": ("1", b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + bytes(200), "is a film"),
    "zstd": ("1", b"\x28\xb5\x2f\xfd" + bytes(200), "is packed with Zstandard"),
    "lz4": ("1", b"\x04\x22\x4d\x18" + bytes(200), "is packed with LZ4"),
    "7z": ("1", b"7z\xbc\xaf\x27\x1c" + bytes(200), "is a 7z archive"),
    "rar": ("1", b"Rar!\x1a\x07\1\0" + bytes(200), "is a RAR archive"),
    "npy": ("1", b"\x93NUMPY\1\0" + bytes(200), "is a NumPy array"),
    "sqlite": ("1", b"SQLite format 3\0" + bytes(200), "is an SQLite database"),
    "hdf5": ("1", b"\x89HDF\r\n\x1a\n" + bytes(200), "is an HDF5 file"),
    "office": ("1.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200), "is an Office file"),
    "zeros": ("1", bytes(1000), "is of no kind"),
    "anything": ("1", np.random.default_rng(1).bytes(5000), "is of no kind"),
    "text_then_anything": ("1", b"words\n" * 5000 + bytes(range(256)), "is of no kind"),
    "lfs": ("1", pointer(), "is a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`"),
    "lfs_by_name": ("1.jpg", pointer(), "is a pointer of Git LFS"),
    "lfs_of_a_tar": ("x.tar", pointer(), "is a pointer of Git LFS"),
    "no_bytes": ("1.jpg", b"", "1.jpg is called like an image, and has no bytes"),
    "no_bytes_of_another": ("1.HEIC", b"", "is called like an image, and has no bytes"),
    "no_bytes_of_a_tar": ("x.tar", b"", "x.tar is called like an archive or a table, and has no bytes"),
    "words_as_an_image": ("1.jpg", b"<html>404</html>", "is called like an image, and is a text"),
    "words_as_another": ("1.svg", b"<html>404</html>", "is called like an image, and is a text"),
    "words_as_a_tar": ("x.tar.gz", b"<html>404</html>", "is called like an archive or a table, and is a text"),
    "words_as_a_parquet": ("x.parquet", b"Entry not found", "is called like an archive or a table, and is a text"),
    "a_font_as_an_image": ("1.png", b"OTTO" + bytes(range(256)), "1.png is of no kind"),
    "double_file_of_a_mac": ("1.jpg", b"\0\x05\x16\x07\0\2\0\0" + bytes(200), "1.jpg is of no kind"),
    "cut_image": ("1", photo(1)[:300], "1 cannot be compared (its header does not parse"),
    "cut_gzip": ("1", gzip.compress(packed([("1.jpg", photo(1))]))[:500], "1 cannot be read whole"),
    "cut_bzip2": ("1", bz2.compress(packed([("1.jpg", photo(1))]))[:-20], "1 cannot be read whole"),
    "cut_xz": ("1", lzma.compress(packed([("1.jpg", photo(1))]))[:-40], "1 cannot be read whole"),
    "damaged_gzip": ("1", gzip.compress(photo(1))[:-8] + bytes(8), "1 cannot be read whole"),
    "gzip_and_more": ("1", gzip.compress(photo(1)) + b"more", "1 cannot be read whole"),
    "cut_tar": ("1", packed([("1.jpg", photo(1)), ("2.jpg", photo(2))])[:3500], "1 cannot be read whole (the tar"),
    "two_tars_in_one": ("1", packed([("1.jpg", photo(1))]) * 2, "what follows (a second tar?) is not read"),
    "link_in_a_tar": ("x.tar", link(tarfile.SYMTYPE), "x.tar:2.jpg is a link to ../elsewhere/2.jpg"),
    "hard_link_in_a_tar": ("x.tar", link(tarfile.LNKTYPE), "x.tar:2.jpg is a link to"),
    "cut_image_in_a_tar": ("x.tar", packed([("in/1", photo(1)[:300])]), "x.tar:in/1 cannot be compared"),
    "words_as_an_image_in_a_tar": ("x.tar", packed([("1.png", b"words")]), "x.tar:1.png is called like an image"),
    "heic_in_a_tar": ("x", packed([("1", b"\0\0\0\x18ftypheic" + bytes(99))]), "x:1 is a HEIC image"),
    "cut_zip": ("1", zipped(photo(1))[:-30], "1 cannot be read whole"),
    "locked_zip": ("1", encrypted(photo(1)), "1:1.jpg is encrypted"),
    "zip_of_another_method": ("1", of_method(93), "1 cannot be read whole"),
    "zip_with_other_bytes": (
        "1",
        zipped(photo(1), method=0).replace(b"JFIF", b"JFIE", 1),
        "1:1.jpg cannot be read whole",
    ),
    "archives_in_archives": ("1", nested(12), "lies in more archives than are opened in one another"),
    "cut_parquet": ("1", table(image=pa.array([photo(1)]))[:-100], "1 cannot be read whole"),
    "locked_parquet": ("1", b"PARE" + bytes(100), "is of no kind"),
    "parquet_of_paths": (
        "x.parquet",
        table(image=pa.array([{"bytes": None, "path": "images/1.jpg"}], PICTURE)),
        "x.parquet#image[0] holds no bytes, only the path images/1.jpg",
    ),
    "parquet_of_no_bytes": (
        "x.parquet",
        table(image=pa.array([{"bytes": b"", "path": "1.jpg"}], PICTURE)),
        "x.parquet#image[0] holds no bytes, only the path 1.jpg",
    ),
    "newline_in_a_tar": ("x.tar", packed([("a\nb.jpg", b"words")]), "x.tar:a?b.jpg is called like an image"),
    "parquet_of_pixels": (
        "x.parquet",
        table(image=pa.array([[[1, 2], [3, 4]]], pa.list_(pa.list_(pa.uint8())))),
        "x.parquet has a column image of small whole numbers",
    ),
    "parquet_of_cut_images": (
        "x.parquet",
        table(image=pa.array([photo(1)[:300]])),
        "x.parquet#image[0] cannot be comp",
    ),
    "parquet_of_others": ("x.parquet", table(image=pa.array([bytes(300)])), "x.parquet#image[0] is of no kind"),
    "damaged_arrow": ("1", damaged_arrow(), "1 cannot be read whole"),
    "arrow_that_asks_for_more": ("1", b"\xff\xff\xff\xff\0\0\0\x01\x10\0\0\0" + bytes(99), "1 cannot be read whole"),
    "cut_base64": ("x.tsv", f"1\t{text_of(photo(1)[:300])}\n".encode(), "x.tsv:1 cannot be compared"),
    "odd_base64": ("x.tsv", f"1\t{text_of(photo(1)[:300])}AAAAA\n".encode(), "x.tsv:1 begins a file that does not"),
    "heic_in_base64": ("x.json", text_of(b"\0\0\0\x18ftypheic" + bytes(99)).encode(), "x.json:1 is a HEIC image"),
    "headed_svg_in_base64": ("x.html", f"url({text_of(HEADED)})".encode(), "x.html:1 is an SVG image"),
    "svg_in_base64": ("x.json", text_of(SVG).encode(), "x.json:1 is an SVG image"),
    "python_bytes": ("x.csv", f"1,{photo(1)!r}\n".encode(), "x.csv:1 holds an image as Python prints bytes"),
    "javascript_bytes": ("x.json", f'{{"data": {list(photo(1))}}}'.encode(), "x.json:1 holds an image as numbers"),
    "indented_bytes": (
        "x.json",
        json.dumps([0, list(saved("PNG"))], indent=1).encode(),
        "x.json:4 holds an image as n",
    ),
    "json_of_latin_1": ("x.json", json.dumps(photo(1).decode("latin-1")).encode(), "x.json:1 holds an image as"),
    **{
        f"python_{form}": ("x.csv", f"\n{saved(form)!r}".encode(), "x.csv:2 holds an image as Python") for form in FORMS
    },
    "uuencoded": ("x.txt", b"words\nbegin 644 1.jpg\n" + uuencoded(photo(1)), "x.txt:2 holds a file in uuencode"),
    "old_pickle": ("1", pickle.dumps(np.zeros(99, np.uint8), 0), "is a pickle"),
    "new_pickle": ("1", pickle.dumps([photo(1)]), "is a pickle"),
    "python_png_bytes": (
        "x.csv",
        str({"bytes": bytes.fromhex("89504e470d0a1a0a0000000d49484452")}).encode(),
        "x.csv:1",
    ),
}


@pytest.mark.parametrize("case", CANNOT)
def test_what_cannot_be_read_is_refused_by_name(folder: Path, case: str) -> None:
    name, data, told = CANNOT[case]
    (folder / name).write_bytes(data)
    said = refusal(folder)
    assert told in said
    assert str(folder / name) in said
    assert said.startswith(f"{folder / name}")
    assert any(
        word in said for word in ("save it as", "put ", "move it", "unpack it", "download it", "fetch it", "make ")
    )


@pytest.mark.parametrize("case", ["heic", "cut_zip", "words_as_an_image", "anything", "lfs", "no_bytes"])
def test_one_file_that_is_named_and_cannot_be_read_is_refused_too(folder: Path, case: str) -> None:
    name, data, told = CANNOT[case]
    (folder / name).write_bytes(data)
    assert told in refusal(folder / name)


def test_of_many_files_that_cannot_be_read_three_are_named_at_once(folder: Path) -> None:
    for number in range(5):
        (folder / f"{number}.heic").write_bytes(CANNOT["heic"][1])
    said = refusal(folder)
    assert [f"{number}.heic is" in said for number in range(5)] == [True, True, True, False, False]
    assert "and 2 more" in said


# --- what the disk does not give ---


def test_a_link_that_leads_nowhere_is_refused(folder: Path) -> None:
    (folder / "1").symlink_to(folder / "gone")
    assert refusal(folder).startswith(f"{folder / '1'}: No such file or directory: mend it, or move it elsewhere")


@pytest.mark.timeout(300)
def test_a_pipe_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "1")
    assert f"{folder / '1'} is not a regular file" in refusal(folder)


@pytest.mark.parametrize("locked", ["in", "in/1.jpg"])
def test_what_may_not_be_read_is_refused(open_folder: Path, locked: str) -> None:
    (open_folder / "in").mkdir()
    for name in ("plain.jpg", "in/1.jpg"):
        (open_folder / name).write_bytes(photo(1))
    held_out([], [str(open_folder)])  # loads what is loaded lazily while everything may still be read
    (open_folder / locked).chmod(0)
    try:
        with as_nobody():
            said = refusal(open_folder)
    finally:
        (open_folder / locked).chmod(0o755)
    assert str(open_folder / locked) in said
    assert "Permission denied" in said


def test_a_full_disk_is_not_taken_for_the_files_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "x.tar.gz").write_bytes(gzip.compress(packed([("1.jpg", photo(1))])))

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    said = refusal(folder)
    assert "x.tar.gz cannot be unpacked" in said
    assert "No space left" in said
    assert "TMPDIR" in said


def test_nothing_is_left_of_what_was_unpacked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    (folder / "x.tar.gz").write_bytes(gzip.compress(packed([("1.jpg", photo(1)), ("2.jpg", b"")])))
    refusal(folder)
    assert list(scratch.iterdir()) == []


# --- runs ---


@pytest.mark.parametrize("place", ["above", "step"])
def test_a_run_inside_a_folder_is_refused_for_its_images_lie_elsewhere(tmp_path: Path, place: str) -> None:
    run = frozen_run(tmp_path / "runs", 1)
    named = {"above": tmp_path, "step": run / "images"}[place]
    said = refusal(named)
    assert f"{run} is a run" in said
    assert f"--apart-from {run}" in said


def test_a_run_whose_frozen_pairs_are_all_for_training_holds_nothing_out(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 0, training=2)
    assert f"{run} has frozen pairs for training alone, and no benchmark" in refusal(run)


def test_a_run_without_questions_is_never_taken_for_a_folder(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    with pytest.raises(Waiting, match="blindpairs freeze"):
        held_out([], [f"{run}/"])


def test_a_folder_is_refused_before_any_image_of_the_run_is_read(tmp_path: Path, monkeypatch) -> None:
    from pipeline.benchmark.photos import Photo
    from pipeline.cli.formats import export_to

    run = frozen_run(tmp_path, 1, training=1)
    (held := tmp_path / "held").mkdir()
    (held / "1.heic").write_bytes(CANNOT["heic"][1])

    def fails(photo: Photo) -> bytes:
        raise AssertionError(f"{photo.uri} was read first")

    monkeypatch.setattr(Photo, "read", fails)
    with pytest.raises(Refused, match=r"1\.heic is a HEIC image"):
        export_to(Run.open(str(run)), "llava", tmp_path / "out", apart_from=[str(held)])
