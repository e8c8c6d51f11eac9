"""One image hidden in a folder in every way in which benchmarks keep theirs, and what it is called there."""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import io
import json
import lzma
import tarfile
import urllib.parse
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from world.authoring import photo
from world.tars import packed

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
Hide = Callable[[Path, bytes], str]  # (an empty folder, an image's bytes) -> what the image is called there

HIDDEN: dict[str, Hide] = {}


def hidden(hide: Hide) -> Hide:
    HIDDEN[hide.__name__] = hide
    return hide


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def other(number: int) -> bytes:
    """Another image."""
    return photo(50_000 + number)


def file_named(name: str) -> Hide:
    def hide(folder: Path, data: bytes) -> str:
        (path := folder / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    return hide


HIDDEN |= {
    f"a_file_named_{name}": file_named(name)
    for name in ("1.jfif", "1", "1.jpe", "1.JPEG.bak", "1.txt", ".1.jpg", "1.tsv", "deep/in/there/1.bin", "1.svg.part")
}

# --- links ---


@hidden
def a_linked_folder(folder: Path, data: bytes) -> str:
    (elsewhere := folder.parent / "elsewhere").mkdir()
    (elsewhere / "1.jpg").write_bytes(data)
    (folder / "images").symlink_to(elsewhere)
    return str(folder / "images" / "1.jpg")


@hidden
def a_linked_file(folder: Path, data: bytes) -> str:
    (elsewhere := folder.parent / "blob").write_bytes(data)
    (folder / "one").symlink_to(elsewhere)
    return str(folder / "one")


@hidden
def a_loop_of_links(folder: Path, data: bytes) -> str:
    (folder / "a").mkdir()
    (folder / "a" / "up").symlink_to(folder)
    (folder / "a" / "x").write_bytes(data)
    return str(folder / "a" / "x")


# --- archives ---


@hidden
def a_tar(folder: Path, data: bytes) -> str:
    (folder / "x.tar").write_bytes(packed([("0.txt", b"words"), ("in/1.jpg", data), ("2.json", b"{}")]))
    return f"{folder / 'x.tar'}:in/1.jpg"


@hidden
def a_tar_called_otherwise(folder: Path, data: bytes) -> str:
    (folder / "images").write_bytes(packed([("in/1", data)], tarfile.GNU_FORMAT))
    return f"{folder / 'images'}:in/1"


PACKERS = {"tar.gz": gzip.compress, "tgz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}
PACKERS |= {"packed": gzip.compress}


def packed_tar(ending: str) -> Hide:
    def hide(folder: Path, data: bytes) -> str:
        members = [("0.txt", b"words" * 10_000), ("1.jpg", data), ("2.jpg", other(2)), ("3.txt", b"")]
        (folder / f"x.{ending}").write_bytes(PACKERS[ending](packed(members)))
        return f"{folder / f'x.{ending}'}:1.jpg"

    return hide


HIDDEN |= {f"a_{ending}": packed_tar(ending) for ending in PACKERS}


@hidden
def a_tar_in_a_tar(folder: Path, data: bytes) -> str:
    (folder / "x.tar").write_bytes(packed([("n01.tar", packed([("1.JPEG", data)]))]))
    return f"{folder / 'x.tar'}:n01.tar:1.JPEG"


@hidden
def an_image_packed_alone(folder: Path, data: bytes) -> str:
    (folder / "1.jpg.gz").write_bytes(gzip.compress(data))
    return str(folder / "1.jpg.gz")


@hidden
def a_zip(folder: Path, data: bytes) -> str:
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/", "")
        archive.writestr("readme.md", "words")
        archive.writestr("images/1", data)
    return f"{folder / 'x.zip'}:images/1"


@hidden
def a_zip_with_an_image_called_as_a_folder(folder: Path, data: bytes) -> str:
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("images/", b"")
        archive.writestr("1.jpg/", data)
    return f"{folder / 'x.zip'}:1.jpg/"


@hidden
def a_tar_gz_in_a_zip(folder: Path, data: bytes) -> str:
    with zipfile.ZipFile(folder / "slides.pptx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.tgz", gzip.compress(packed([("1.jpg", data)])))
    return f"{folder / 'slides.pptx'}:x.tgz:1.jpg"


@hidden
def a_zip_in_a_tar_xz(folder: Path, data: bytes) -> str:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("1.jpg", data)
    (folder / "x.tar.xz").write_bytes(lzma.compress(packed([("x.zip", stream.getvalue())])))
    return f"{folder / 'x.tar.xz'}:x.zip:1.jpg"


# --- tables with bytes ---

COLUMNS: dict[str, tuple[pa.DataType, Callable[[bytes], object], str]] = {
    # what the column is -> its type, the value with the image in it, and what the image is called behind the file
    "bytes": (pa.binary(), lambda data: data, "#image[17]"),
    "large_bytes": (pa.large_binary(), lambda data: data, "#image[17]"),
    "hub_struct": (PICTURE, lambda data: {"bytes": data, "path": "a.jpg"}, "#image.bytes[17]"),
    "list_of_bytes": (pa.list_(pa.binary()), lambda data: [other(0), None, data], "#image[17][2]"),
    "list_of_structs": (
        pa.list_(PICTURE),
        lambda data: [{"bytes": other(0), "path": None}, {"bytes": data, "path": None}],
        "#image.bytes[17][1]",
    ),
    "large_list": (pa.large_list(pa.large_binary()), lambda data: [data], "#image[17][0]"),
    "map": (pa.map_(pa.string(), pa.binary()), lambda data: [("one", None), ("two", data)], "#image.two[17]"),
    "struct_of_structs": (
        pa.struct([("left", PICTURE), ("right", PICTURE)]),
        lambda data: {"left": None, "right": {"bytes": data, "path": None}},
        "#image.right.bytes[17]",
    ),
    "base64_text": (pa.string(), text_of, "#image[17]:1"),
    "large_base64_text": (pa.large_string(), text_of, "#image[17]:1"),
    "list_of_base64_texts": (pa.list_(pa.string()), lambda data: [text_of(data)], "#image[17][0]:1"),
    "json_with_base64": (pa.string(), lambda data: json.dumps({"image": [text_of(data)]}), "#image[17]:1"),
    "dictionary": (pa.dictionary(pa.int32(), pa.binary()), lambda data: data, "#image[17]"),
}


def table_of(column: str, data: bytes) -> pa.Table:
    kind, value, _ = COLUMNS[column]
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    values = pa.array([value(data) if row == 17 else None for row in range(20)], plain)
    values = values.dictionary_encode() if pa.types.is_dictionary(kind) else values
    known = {"number": list(range(20)), "question": ["Is it?"] * 20, "vector": [[0.5, 1.0]] * 20}
    return pa.table({**known, "image": values, "id": [bytes(16)] * 20})


def parquet_of(column: str) -> Hide:
    def hide(folder: Path, data: bytes) -> str:
        pq.write_table(table_of(column, data), folder / "x.parquet", row_group_size=7)
        return f"{folder / 'x.parquet'}{COLUMNS[column][2]}"

    return hide


HIDDEN |= {f"a_parquet_with_{column}": parquet_of(column) for column in COLUMNS}


@hidden
def a_parquet_called_otherwise_in_a_zip(folder: Path, data: bytes) -> str:
    pq.write_table(table_of("hub_struct", data), stream := io.BytesIO())
    with zipfile.ZipFile(folder / "x", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", stream.getvalue())
    return f"{folder / 'x'}:data#image.bytes[17]"


@hidden
def a_parquet_with_two_columns_of_one_name(folder: Path, data: bytes) -> str:
    table = pa.Table.from_arrays([pa.array([b"none"]), pa.array([data])], names=["image", "image"])
    pq.write_table(table, folder / "x.parquet")
    return f"{folder / 'x.parquet'}#image[0]"


@hidden
def an_arrow_file_with_two_columns_of_one_name(folder: Path, data: bytes) -> str:
    table = pa.Table.from_arrays([pa.array([b"none"]), pa.array([data])], names=["image", "image"])
    with pa.ipc.new_file(str(folder / "x"), table.schema) as writer:
        writer.write_table(table)
    return f"{folder / 'x'}#image[0]"


@hidden
def an_arrow_stream(folder: Path, data: bytes) -> str:
    table = table_of("hub_struct", data)
    with pa.ipc.new_stream(str(folder / "data-00000.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return f"{folder / 'data-00000.arrow'}#image.bytes[17]"


@hidden
def an_arrow_file(folder: Path, data: bytes) -> str:
    table = table_of("list_of_structs", data)
    with pa.ipc.new_file(str(folder / "x.feather"), table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return f"{folder / 'x.feather'}#image.bytes[17][1]"


@hidden
def a_zip_in_a_cell(folder: Path, data: bytes) -> str:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("1.jpg", data)
    pq.write_table(pa.table({"image": [stream.getvalue()]}), folder / "x.parquet")
    return f"{folder / 'x.parquet'}#image[0]:1.jpg"


# --- text ---


def written(name: str, write: Callable[[bytes], str], where: str, encoding: str = "utf-8") -> Hide:
    def hide(folder: Path, data: bytes) -> str:
        (folder / name).write_bytes(write(data).encode(encoding))
        return f"{folder / name}{where}"

    return hide


def rows(delimiter: str, cell: Callable[[bytes], str]) -> Callable[[bytes], str]:
    """A table as VLMEvalKit has it, its second row with the image; a short cell names another row's."""

    def write(data: bytes) -> str:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        writer.writerows((("index", "question", "image"), ("1", "Is it?", "2"), ("2", "Is it?", cell(data))))
        return stream.getvalue()

    return write


def lists(data: bytes) -> str:
    return str([text_of(other(0)), text_of(data)])


def escaped(text: str) -> str:
    return text.replace("/", "\\/").replace("+", "\\u002b")


def lines(data: bytes, width: int) -> list[str]:
    text = text_of(data)
    return [text[at : at + width] for at in range(0, len(text), width)]


def wrapped(data: bytes) -> str:
    return base64.encodebytes(data).decode()


TEXTS: dict[str, Hide] = {
    "a_tsv": written("MMVP.tsv", rows("\t", text_of), ":3"),
    "a_tsv_called_otherwise": written("MMVP", rows("\t", text_of), ":3"),
    "a_tsv_with_lists": written("MMVP.tsv", rows("\t", lists), ":3#2"),
    "a_tsv_of_data_uris": written("MMVP.tsv", rows("\t", lambda data: f"data:image/jpeg;base64,{text_of(data)}"), ":3"),
    "a_tsv_in_utf_16": written("MMVP.tsv", rows("\t", text_of), ":3", "utf-16"),
    "a_tsv_with_a_mark": written("MMVP.tsv", rows("\t", text_of), ":3", "utf-8-sig"),
    "a_tsv_in_latin_1": written("MMVP.tsv", lambda data: f"é\t{text_of(data)}\n", ":1", "latin-1"),
    "a_csv": written("MMVP.csv", rows(",", text_of), ":3"),
    "a_csv_with_wrapped_cells": written("MMVP.csv", rows(",", wrapped), ":3"),
    "json_lines": written("x.jsonl", lambda data: '{"a": 1}\n' + json.dumps({"image": text_of(data)}) + "\n", ":2"),
    "one_json": written("x.json", lambda data: json.dumps([text_of(other(0)), text_of(data)]), ":1#2"),
    "json_as_php_writes_it": written("x.json", lambda data: escaped(json.dumps({"image": text_of(data)})), ":1"),
    "json_with_wrapped_text": written("x.json", lambda data: json.dumps({"image": wrapped(data)}), ":1"),
    "json_after_an_escape": written("x.json", lambda data: json.dumps(f"words\n{text_of(data)}\n"), ":1"),
    "urlsafe_base64": written("x.json", lambda data: json.dumps(base64.urlsafe_b64encode(data).decode()), ":1"),
    "base64_without_padding": written("x.txt", lambda data: text_of(data).rstrip("="), ":1"),
    "base64_alone": written("1.b64", lambda data: "\n\n" + wrapped(data), ":3"),
    "base64_of_64_columns": written("1.pem", lambda data: "\r\n".join(lines(data, 64)), ":1"),
    "base64_of_44_columns": written("1.txt", lambda data: "\n".join(lines(data, 44)), ":1"),
    "base64_a_line": written("1.txt", lambda data: f"{text_of(other(0))}\n{text_of(data)}\n".replace("=", ""), ":2"),
    "json_in_json": written("x.json", lambda data: json.dumps(escaped(json.dumps({"image": text_of(data)}))), ":1"),
    "json_in_json_of_dot_net": written(
        "x.json", lambda data: json.dumps(json.dumps({"image": text_of(data)})).replace('\\"', "\\u0022"), ":1"
    ),
    "a_data_uri_in_a_url": written(
        "x.txt", lambda data: "/a?uri=" + urllib.parse.quote(f"data:image/jpeg;base64,{text_of(data)}", safe=""), ":1"
    ),
    "a_page_of_a_template": written("x.html", lambda data: f'src="{text_of(data).replace("/", "&#x2F;")}"', ":1"),
    "a_script": written("x.js", lambda data: "a = '" + text_of(data).replace("/", "\\x2f") + "';", ":1"),
    "a_tsv_in_utf_32": written("MMVP.tsv", rows("\t", text_of), ":3", "utf-32"),
    "a_page": written("x.html", lambda data: f'<p>\n<img src="data:image/jpeg;base64,{text_of(data)}">', ":2"),
    "a_style_sheet": written(
        "x.css", lambda data: f"url(data:image/jpeg;base64,{urllib.parse.quote(text_of(data), safe='')})", ":1"
    ),
    "a_notebook": written("x.ipynb", lambda data: json.dumps({"image/png": text_of(data) + "\n"}, indent=1), ":2"),
    "hex_of_a_database": written("x.sql", lambda data: f"insert into x values ('\\x{data.hex()}');", ":1"),
    "hex_after_0x": written("x.sql", lambda data: f"values (0x{data.hex().upper()});", ":1"),
    "far_inside": written("x.json", lambda data: "word " * 600_000 + text_of(data), ":1"),
    "behind_a_long_word": written("x.json", lambda data: "y" * 3_000_000 + f"\n{text_of(data)}", ":2"),
}
HIDDEN |= TEXTS


@hidden
def a_packed_tsv(folder: Path, data: bytes) -> str:
    (folder / "MMVP.tsv.gz").write_bytes(gzip.compress(rows("\t", text_of)(data).encode()))
    return f"{folder / 'MMVP.tsv.gz'}:3"


@hidden
def an_lfs_store(folder: Path, data: bytes) -> str:
    (at := folder / ".git" / "lfs" / "objects" / "ab").mkdir(parents=True)
    (folder / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\0\0\0\0" + bytes(range(256)))
    (at / "abcdef").write_bytes(data)
    return str(at / "abcdef")
