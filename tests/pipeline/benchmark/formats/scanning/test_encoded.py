"""Files in a text: the same ones however the text comes in pieces, and whatever stands around them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.authoring import photo

from pipeline.benchmark.formats.scanning.encoded import files_in_text
from pipeline.benchmark.formats.scanning.text import NoText, text_of

IMAGES = [photo(number) for number in range(4)]
WAYS = {
    "base64": lambda data: base64.b64encode(data),
    "no padding": lambda data: base64.b64encode(data).rstrip(b"="),
    "urlsafe": lambda data: base64.urlsafe_b64encode(data),
    "lines": lambda data: base64.encodebytes(data),
    "escaped lines": lambda data: base64.encodebytes(data).replace(b"\n", b"\\n").replace(b"/", b"\\/"),
    "escaped": lambda data: base64.b64encode(data).replace(b"/", b"\\u002f").replace(b"+", b"\\u002B"),
    "percents": lambda data: base64.b64encode(data).replace(b"/", b"%2F").replace(b"+", b"%2B").replace(b"=", b"%3D"),
    "hex": lambda data: data.hex().encode(),
    "HEX": lambda data: b"0x" + data.hex().upper().encode(),
}
# what may stand before and behind a file: none of it ends or begins with a letter of base64
WORDS = b"a/path/that/is/long/enough/to/be/looked/at/for/an/image/in/it: "
AROUND = st.sampled_from(
    (
        *(b" ", b"\t", b"\n", b'"', b"['", b"', '", b"base64,", b"word \n", b"=", b'\\n"', b"\n" * 9, b"\xc3\xa9 "),
        *(b" sha256 " + b"0" * 64 + b"\n", WORDS, b"y" * 700 + b" ", b"y" * 76 + b"\n", b"z" * 50 + b"\r\n"),
    )
)


def cut(text: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[begin:end] for begin, end in pairwise(edges)]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(AROUND, st.sampled_from(list(WAYS)), st.sampled_from(IMAGES)), min_size=1, max_size=4),
    AROUND,
    st.lists(st.integers(0, 1 << 20), max_size=40),
)
def test_every_file_is_found_with_its_line_however_the_text_is_cut(parts, behind: bytes, places: list[int]) -> None:
    text, wanted = b"", []
    for before, way, data in parts:
        text += before
        wanted.append((text.count(b"\n") + 1, data))
        text += WAYS[way](data) + b" "
    assert list(files_in_text(cut(text + behind, places))) == wanted


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 1 << 20), max_size=2000))
def test_a_file_that_comes_in_tiny_pieces_is_whole(places: list[int]) -> None:
    text = b"1\t" + base64.b64encode(IMAGES[0]) + b"\n2\t" + base64.encodebytes(IMAGES[1]) + b"\n"
    assert [data for _, data in files_in_text(cut(text, places))] == IMAGES[:2]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000))
def test_bytes_of_any_sort_hold_no_file_and_break_nothing(data: bytes) -> None:
    assert list(files_in_text([base64.b64encode(b"words " + data)])) == []


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), st.lists(st.integers(0, 2000), max_size=20))
def test_a_text_is_one_however_it_is_cut(text: str, places: list[int]) -> None:
    clean = text.replace("\0", "")
    assert b"".join(text_of(cut(clean.encode(), places))) == clean.encode()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_wide_text_is_read_as_utf_8(encoding: str) -> None:
    text = "1\tÉtude 犬🐕\r\n" * 9
    for size in (1, 3, 1000):
        data = text.encode(encoding)
        pieces = [data[:4], *(data[at : at + size] for at in range(4, len(data), size))]
        assert b"".join(text_of(pieces)).decode() == text


@pytest.mark.parametrize("number", range(20))
def test_an_image_is_no_text(number: int) -> None:
    with pytest.raises(NoText):
        list(text_of([b"words", photo(number)]))
