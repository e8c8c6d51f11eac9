"""Columns by LAION's published spellings, or as the recipe names them."""

from __future__ import annotations

import pytest

from manifests.errors import Refused
from stages.download.urls.columns import resolved

PUBLISHED = {
    "laion2B-en-aesthetic": [
        "URL",
        "TEXT",
        "WIDTH",
        "HEIGHT",
        "similarity",
        "hash",
        "punsafe",
        "pwatermark",
        "aesthetic",
    ],
    "improved_aesthetics_6plus": [
        *("URL", "TEXT", "WIDTH", "HEIGHT", "similarity", "punsafe", "pwatermark", "AESTHETIC_SCORE", "hash"),
        "__index_level_0__",
    ],
    "relaion2B-en-research-safe": [
        *("url", "caption", "similarity", "width", "height", "punsafe", "pwatermark", "aesthetic", "language"),
    ],
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_laions_tables_need_no_mapping(name: str) -> None:
    needed = ["url", "aesthetic", "unsafe", "watermark", "similarity", "width", "height"]
    found = resolved(PUBLISHED[name], {}, needed, name)
    assert {"caption", *needed} <= set(found)
    assert set(found.values()) <= set(PUBLISHED[name])


def test_the_recipe_goes_before_what_is_known() -> None:
    assert resolved(["URL", "link"], {"url": "link"}, ["url"], "t")["url"] == "link"


@pytest.mark.parametrize(
    ("mapped", "needed", "told"),
    [
        ({"uri": "link"}, ["url"], "did you mean url"),
        ({"url": "href"}, ["url"], "no column 'href'"),
        ({}, ["url", "aesthetic"], r"columns: \{aesthetic: NAME\}"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_there_is(mapped: dict, needed: list[str], told: str) -> None:
    with pytest.raises(Refused, match=told):
        resolved(["link", "URL", "TEXT"], mapped, needed, "t.parquet")


def test_all_that_is_lacking_is_told_at_once() -> None:
    with pytest.raises(Refused) as caught:
        resolved(["URL", "TEXT"], {}, ["url", "aesthetic", "unsafe", "unsafe"], "t.parquet")
    assert str(caught.value) == (
        "t.parquet has no column for aesthetic, unsafe (asked for by where); it has: URL, TEXT; "
        "say which they are, columns: {aesthetic: NAME, unsafe: NAME}, or leave the filters out"
    )
    with pytest.raises(Refused) as caught:
        resolved(["link", "TEXT"], {}, ["url"], "t.parquet")
    assert str(caught.value).endswith(
        "has no column for url; it has: link, TEXT; say which it is, columns: {url: NAME}"
    )


@pytest.mark.parametrize("mapped", [{}, {"url": "link"}])
def test_a_csv_with_semicolons_is_told_that_commas_separate(mapped: dict) -> None:
    with pytest.raises(Refused, match="comma here: separated by semicolons"):
        resolved(["link;caption"], mapped, ["url"], "t.csv")
    with pytest.raises(Refused) as caught:
        resolved(["link;caption"], mapped, ["url"], "t.parquet")
    assert "comma" not in str(caught.value)
