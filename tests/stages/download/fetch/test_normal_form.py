"""One resource in many spellings, by RFC 3986's own examples and by resources that are spelled at random.

The oracle is a resource taken apart (world/spelled_urls.py), which shares no code with what reads URLs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.spelled_urls import RESOURCES, Pen, Resource, changed, encoded

from stages.download.fetch.targets import target, url_key

# RFC 3986, 5.4: what these references mean at http://a/b/c/d;p?q, here as absolute paths that are not resolved yet
DOTS = {
    "/b/c/./g": "/b/c/g",
    "/b/c/g/": "/b/c/g/",
    "/b/c/.": "/b/c/",
    "/b/c/./": "/b/c/",
    "/b/c/..": "/b/",
    "/b/c/../": "/b/",
    "/b/c/../g": "/b/g",
    "/b/c/../..": "/",
    "/b/c/../../": "/",
    "/b/c/../../g": "/g",
    "/b/c/../../../g": "/g",
    "/b/c/../../../../g": "/g",
    "/./g": "/g",
    "/../g": "/g",
    "/b/c/g.": "/b/c/g.",
    "/b/c/.g": "/b/c/.g",
    "/b/c/g..": "/b/c/g..",
    "/b/c/..g": "/b/c/..g",
    "/b/c/./../g": "/b/g",
    "/b/c/./g/.": "/b/c/g/",
    "/b/c/g/./h": "/b/c/g/h",
    "/b/c/g/../h": "/b/c/h",
    "/b/c/g;x=1/./y": "/b/c/g;x=1/y",
    "/b/c/g;x=1/../y": "/b/c/y",
    "/a/b/c/./../../g": "/a/g",  # 5.2.4
    "/mid/content=5/../6": "/mid/6",
    "/a//../b": "/a/b",
    "//a//b": "//a//b",
    "/a/%2e%2E/.%2e/b": "/b",
    "/a/%2e": "/a/",
    "/a?b/../c/./d": "/a?b/../c/./d",
}
# 6.2.2 and what it leaves out: how it is asked, and how it is known
FORMS = {
    "/%7Esmith/home.html": ("/~smith/home.html", "/~smith/home.html"),
    "/%7b%66oo%7D": ("/%7Bfoo%7D", "/%7Bfoo%7D"),
    "/caf%c3%a9": ("/caf%C3%A9", "/caf%C3%A9"),
    "/caf\u00e9": ("/caf%C3%A9", "/caf%C3%A9"),
    "/cafe\u0301": ("/cafe%CC%81", "/caf%C3%A9"),
    "/caf%65%cc%81": ("/cafe%CC%81", "/caf%C3%A9"),
    "/%E9": ("/%E9", "/%E9"),
    "/%e9e%CC%81": ("/%E9e%CC%81", "/%E9%C3%A9"),
    "/%3C%CC%B8": ("/%3C%CC%B8", "/%3C%CC%B8"),
    "/%E2%84%AA": ("/%E2%84%AA", "/K"),  # the kelvin sign
    "/p%281%29%21%2a%2B": ("/p%281%29%21%2A%2B", "/p(1)!*+"),
    "/p(1)!*+": ("/p(1)!*+", "/p(1)!*+"),
    "/%3a%40%3b%2C%3d%26": ("/%3A%40%3B%2C%3D%26", "/:@;,=&"),
    "/a%2fb%3f%23%5B%25": ("/a%2Fb%3F%23%5B%25", "/a%2Fb%3F%23%5B%25"),
    "/a%252fb": ("/a%252fb", "/a%252fb"),
    "/100%": ("/100%25", "/100%25"),
    "/%zz%4": ("/%25zz%254", "/%25zz%254"),
    "/%%34%31": ("/%2541", "/%2541"),
    '/a b"<>\\^`{|}': ("/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D", "/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D"),
    "/%00%0a%7F": ("/%00%0A%7F", "/%00%0A%7F"),
    "/?a=b+c%20d&e=%26%2b%3D": ("/?a=b+c%20d&e=%26%2B%3D", "/?a=b%20c%20d&e=%26%2B%3D"),
    "/?u=http%3a%2F%2fx/%3Fy%28": ("/?u=http%3A%2F%2Fx/%3Fy%28", "/?u=http://x/?y("),
    "/?a[]=%5b%5D|": ("/?a%5B%5D=%5B%5D%7C", "/?a%5B%5D=%5B%5D%7C"),
    "/?": ("/", "/"),
    "/#/../x": ("/", "/"),
    "?a": ("/?a", "/?a"),
    "": ("/", "/"),
}


@pytest.mark.parametrize("path", DOTS)
def test_dot_segments_are_removed_from_a_path_and_from_nothing_else(path: str) -> None:
    assert str(target(f"http://a{path}")) == url_key(f"http://a{path}") == f"http://a{DOTS[path]}"


@pytest.mark.parametrize("path", FORMS)
def test_a_url_is_asked_in_normal_form_and_known_by_a_coarser_one(path: str) -> None:
    asked, key = FORMS[path]
    assert str(target(f"http://a{path}")) == f"http://a{asked}"
    assert url_key(f"http://a{path}") == f"http://a{key}"


@pytest.mark.parametrize(
    "url", ["http://me:secret@a/%7eb", "ftp://a/%7eb", "http://a/\x00", "http://a/\ud800", "http://%/", "no URL"]
)
def test_what_is_never_asked_for_is_known_by_its_text(url: str) -> None:
    assert url_key(f" {url}\n") == url


DICE = st.randoms(use_true_random=True)


@settings(max_examples=80, deadline=None)
@given(RESOURCES, DICE, DICE)
def test_spellings_that_are_equivalent_by_the_rfc_are_one_request(one: Resource, first: Random, second: Random) -> None:
    assert str(target(Pen(first).url(one))) == str(target(Pen(second).url(one)))


CHARACTER = r"[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2}"  # pchar, RFC 3986, appendix A
VALID = re.compile(
    rf"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]+))?((?:/(?:{CHARACTER})*)+)(?:\?((?:{CHARACTER}|[/?])+))?"
)


@settings(max_examples=80, deadline=None)
@given(RESOURCES, DICE)
def test_what_is_asked_for_is_a_valid_url_of_the_same_resource(one: Resource, dice: Random) -> None:
    asked = str(target(Pen(dice, wide=True).url(one)))
    assert str(target(asked)) == asked
    found = VALID.fullmatch(asked)
    assert found, asked
    scheme, host, port, path, query = found.groups()
    assert (scheme, host, int(port or {"http": 80, "https": 443}[scheme])) == (one.scheme, one.host, one.port)
    assert [served(segment) for segment in path.split("/")[1:]] == [encoded(segment) for segment in one.segments]
    fields = [] if query is None else [served(field.replace("+", " ")) for field in query.split("&")]
    assert fields == [encoded(field) for field in one.fields]


def served(text: str) -> bytes:
    """What a server makes of a part of a URL."""
    return re.sub(rb"%(..)", lambda found: bytes([int(found[1], 16)]), text.encode())


@settings(max_examples=120, deadline=None)
@given(RESOURCES, DICE)
def test_urls_have_one_key_where_they_are_one_resource_and_nowhere_else(one: Resource, dice: Random) -> None:
    elsewhere = replace(one, port=81), replace(one, scheme="https"), replace(one, host="b.example")
    for other in (one, one.decomposed(), changed(one, dice), *elsewhere):
        first, second = (url_key(Pen(dice, wide=True).url(resource)) for resource in (one, other))
        assert (first == second) == (one.composed() == other.composed())
        assert url_key(second) == second
