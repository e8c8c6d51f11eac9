"""A URL is forgotten in whatever spelling it is named, also in runs of what an earlier version fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.earlier import FETCHED_AS, IDS, SPELLINGS, fetched_earlier
from world.fetches import fetched, write_fetched
from world.forgetting import traces
from world.growing import picture, rows
from world.inline import made_here
from world.pictures import jpeg
from world.runs import recipe

from pipeline.forget.forget import forget
from pipeline.forget.traces import naming
from stages.download.fetch.targets import url_key
from stages.download.urls import getting

OTHER = "http://host/~u/caf\u00e9/p(1)%2Fok-1.jpg"


@pytest.mark.parametrize("named", SPELLINGS)
def test_every_spelling_names_the_images_of_every_other(tmp_path: Path, named: str) -> None:
    urls = [*SPELLINGS, OTHER]
    entries = [(fetched(n, picture(n), url=url), picture(n)) for n, url in enumerate(urls)]
    write_fetched(tmp_path / "laion", entries)
    asked = recipe([{"name": "laion", "kind": "img2dataset", "uri": str(tmp_path / "laion")}])
    made_here(asked, tmp_path, until="images")
    answer = forget(str(tmp_path / "test"), [named])
    assert (answer.images, answer.named) == (len(SPELLINGS), {url_key(named): len(SPELLINGS)})
    assert traces(tmp_path / "test", SPELLINGS) == []
    assert [row["url"] for row in rows(made_here(asked, tmp_path, until="images")[0]["images"])] == [OTHER]


def test_what_an_earlier_version_fetched_is_run_again_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getting, "fetched", None)  # nobody asks for anything
    fetched_earlier(tmp_path)
    source = {"name": "some", "kind": "urls", "uri": str(tmp_path / "tables"), "into": str(tmp_path / "into")}
    manifests, _ = made_here(recipe([source | {"fetch": {"contact": "me@example.org"}}]), tmp_path, until="images")
    assert {row["url"]: row["image_id"] for row in rows(manifests["images"])} == IDS
    tar = tmp_path / "into" / f"{FETCHED_AS}.tar"
    places = {place: jpeg(place) in tar.read_bytes() for place in range(len(IDS))}
    assert all(places.values())
    answer = forget(str(tmp_path / "test"), ["http://host/~u/caf%C3%A9/p%281)/ok%2D1.jpg"])
    assert (answer.images, answer.elsewhere.wiped) == (len(SPELLINGS), len(SPELLINGS))
    left = [url for place, url in enumerate(IDS) if jpeg(place) in tar.read_bytes()]
    assert left == [url for url in IDS if url not in SPELLINGS]


def test_a_text_names_a_url_as_it_was_written_as_it_was_asked_and_by_its_key() -> None:
    row = {"image_id": None, "sha256": None, "key": None, "url": "http://a.example/%7eu/p%281).jpg"}
    names = naming([row])
    for spelling in (row["url"], "http://a.example/~u/p%281).jpg", "http://a.example/~u/p(1).jpg"):
        assert names(f"no answer from {spelling}: 500"), spelling
    assert not names("no answer from http://a.example/~u/p(2).jpg: 500")
