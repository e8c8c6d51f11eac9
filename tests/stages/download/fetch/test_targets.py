"""URLs as they are asked: in one spelling, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.download.fetch.outcomes import NotFetched
from stages.download.fetch.targets import led_to, target


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTP://Example.ORG:80/A.jpg#part", "http://example.org/A.jpg"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("https://example.org:80/a", "https://example.org:80/a"),
        ("http://example.org./a b/ü?q=ß x&r=%20", "http://example.org/a%20b/%C3%BC?q=%C3%9F%20x&r=%20"),
        ("http://example.org/100%/a", "http://example.org/100%25/a"),
        ("http://bücher.example/a", "http://xn--bcher-kva.example/a"),
        ("http://straße.example/a", "http://xn--strae-oqa.example/a"),
        ("http://xn--bcher-kva.example/a", "http://xn--bcher-kva.example/a"),
        ("http://B%C3%BCcher%2Eexample./a", "http://xn--bcher-kva.example/a"),
        ("http://%31%32%37.1/a", "http://127.0.0.1/a"),
        ("\n http://example.org/a\t", "http://example.org/a"),
        ("http://a_b.example/a", "http://a_b.example/a"),
        ("http://[2001:DB8::1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("http://2130706433/a", "http://127.0.0.1/a"),
        ("http://0x7f.1/a", "http://127.0.0.1/a"),
        ("http://127.1/a", "http://127.0.0.1/a"),
        ("http://0177.0.0.01/a", "http://127.0.0.1/a"),
        ("http://①②⑦.⓪.⓪.①/a", "http://127.0.0.1/a"),
    ],
)
def test_a_url_is_asked_in_one_spelling(url: str, asked: str) -> None:
    assert str(target(url)) == asked


@pytest.mark.parametrize(
    "url",
    [
        *("", "foo", "//example.org/a", "http://", "http:///a", "http:/a", "http://:80/a", "example.org/a.jpg"),
        *("file:///etc/passwd", "ftp://example.org/a", "data:image/png;base64,AAAA", "gopher://example.org/"),
        *("http://me@example.org/", "http://me:secret@example.org/", "http://example.org\\@127.0.0.1/"),
        *("http://example.org:0/", "http://example.org:70000/", "http://example.org:x/"),
        *("http://exa mple.org/", "http://example.org/a\nHost: b", "http://example.org/\x00", "http://a..b/"),
        *("http://[::1/", "http://[::1%25eth0]/", "http://[1.2.3.4]/", "http://-a.example/", "http://.a/"),
        *("http://example.org../", "http://example.org%2E./", "http://./", "http://%2e/", "http://%2F/"),
        *("http://%ff.example/", "http://%31%3a.example/", "http://a%20b.example/", "http://%5B::1%5D/"),
        *(f"http://{'a' * 64}.example/", f"http://{'a.' * 130}example/", f"http://example.org/{'a' * 20_000}"),
        *("http://exam\u2044ple.org/", "http://\ud800.example/", "http://example.org/\ud800"),
    ],
)
def test_what_is_no_url_of_the_web_is_not_asked(url: str) -> None:
    with pytest.raises(NotFetched) as refused:
        target(url)
    assert refused.value.status == "bad_url"


@given(
    st.text("aZ0.-_:/@[]%?#&+;|^\\\"'<> \t\n\x00\x85üß①。／\u200d\u202e\ud800𝔞", max_size=40),
    st.sampled_from(["http://", "https://", "http://example.org/", "http://a.b/?", ""]),
)
def test_any_text_is_a_target_of_plain_ascii_that_stays_the_same_or_is_refused(text: str, start: str) -> None:
    try:
        found = target(start + text)
    except NotFetched as error:
        assert error.status == "bad_url"  # noqa: PT017 - either is right
        return
    asked = str(found)
    assert asked.isascii()
    assert asked.isprintable()
    assert " " not in asked
    assert target(asked) == found


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("b.jpg", "http://example.org/dir/b.jpg"),
        ("/b.jpg", "http://example.org/b.jpg"),
        ("//other.example/b", "http://other.example/b"),
        ("?q", "http://example.org/dir/a?q"),
        ("/ü".encode().decode("latin-1"), "http://example.org/%C3%BC"),
        ("/\xfc", "http://example.org/%C3%BC"),
    ],
)
def test_a_redirect_leads_where_a_browser_would_go(location: str, asked: str) -> None:
    assert str(led_to(target("http://example.org/dir/a"), location)) == asked


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://me:secret@example.org/", "http://[::1/"])
def test_a_redirect_out_of_the_web_is_not_followed(location: str) -> None:
    with pytest.raises(NotFetched) as refused:
        led_to(target("http://example.org/dir/a"), location)
    assert refused.value.status == "bad_url"
