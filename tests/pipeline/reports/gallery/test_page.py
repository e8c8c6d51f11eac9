"""The report page: self-contained, safe with any caption, complete, small, and the same every time."""

import re

import numpy as np
import pytest
from PIL import Image
from world.gallery import page, pair, photo, report
from world.html_reader import Reader

from pipeline.reports.gallery.facts import Advice, Planted, Stage, Wider
from pipeline.reports.gallery.page import render
from pipeline.reports.pages.thumbnails import thumbnail

LOADING = {"src", "srcset", "poster", "data", "action", "formaction", "background", "xlink:href"}


def drawn_photo(seed: int, size: tuple[int, int] = (224, 224)) -> Image.Image:
    """Smooth shapes with fine grain: to an image coder about as hard as a photo."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (14, 14, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    grain = rng.normal(0, 9, (size[1], size[0], 1))
    return Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8))


def test_the_page_loads_nothing_from_anywhere() -> None:
    picture = thumbnail(drawn_photo(1))
    sides = (photo("a", url="https://example.org/a.jpg", thumbnail=picture), photo("b", thumbnail=picture))
    html = page(report(pair(1, *sides)))
    reader = Reader(html)
    for tag, attributes in reader.elements:
        for name in LOADING & attributes.keys():
            assert (attributes[name] or "").startswith(("data:", "#")), (tag, name)
    assert [link["href"] for link in reader.named("link")] == ["data:,"]
    assert not re.search(r"@import|url\((?!#|&quot;#|\"#)", html)
    policy = next(meta for meta in reader.named("meta") if meta.get("http-equiv"))["content"]
    assert policy
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_a_link_to_an_image_tells_its_server_nothing() -> None:
    html = page(report(pair(1, photo("a", url="https://example.org/a.jpg"))))
    outward = [link for link in Reader(html).named("a") if not (link["href"] or "").startswith("#")]
    assert [link["href"] for link in outward] == ["https://example.org/a.jpg"]
    assert all("noreferrer" in (link["rel"] or "") for link in outward)


def test_an_address_no_browser_should_follow_is_not_a_link() -> None:
    urls = ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://[bad"]
    html = page(report(*(pair(n, photo("a", url=url)) for n, url in enumerate(urls))))
    assert [url for url in urls if url in html] == []


def test_characters_that_steer_what_comes_after_them_are_shown_as_signs() -> None:
    codes = (*range(32), *range(127, 160), 0x202A, 0x202E, 0x2066, 0x2069, 0xD800, 0xDCFF)
    evil = "".join(map(chr, codes))
    left = photo(
        evil, caption=evil, label=evil, source=evil, license=evil, image_id=evil, url=f"https://a.example/{evil}"
    )
    right = photo(evil, caption=f"{evil} twice", thumbnail=thumbnail(drawn_photo(2)))
    facts = {"title": evil, "blind": evil, "reference": evil, "fingerprint": evil, "version": evil}
    lists = {"planted": (Planted(evil, 1, 1, 0, evil),), "funnel": (Stage(evil, 3), Stage("b", 1, lost=((evil, 2),)))}
    html = page(report(pair(1, left, right), settings=((evil, evil),), **facts, **lists))
    assert {one for one in html if ord(one) in codes} == {"\t", "\n"}
    assert "␀␁␂" in html
    assert "␛" in html
    assert html.encode()


def test_hostile_words_stay_words() -> None:
    evil = "</p><script>alert('x')</script><img src=x onerror=alert(1)>\" onclick=\"alert(2) {{ 7*7 }}"
    left = photo(evil, caption=evil, label=evil, source=evil, license=evil, thumbnail=thumbnail(drawn_photo(2)))
    rows = (Planted(evil, 1, 1, 0, evil),)
    funnel = (Stage(evil, 3), Stage("b", 1, lost=((evil, 2),)))
    facts = {"title": evil, "blind": evil, "reference": evil, "planted": rows, "funnel": funnel}
    html = page(report(pair(1, left), settings=((evil, evil),), **facts))
    reader = Reader(html)
    assert len(reader.named("script")) == 1
    assert not any(name.startswith("on") for _, attributes in reader.elements for name in attributes)
    assert reader.text.count(evil) >= 10
    assert not reader.unbalanced
    assert not reader.open


def test_every_word_of_any_script_is_on_the_page() -> None:
    words = "犬が走る 🐕 — läuft, يركض " + "long " * 300
    assert words.strip() in Reader(page(report(pair(1, photo("k" * 400, caption=words.strip()))))).text


def test_every_pair_shows_both_its_cosines() -> None:
    pairs = [pair(rank) for rank in range(1, 41)]
    html = page(report(*pairs))
    for shown in pairs:
        card = html[html.index(f'id="pair-{shown.rank}"') :].split("</article>")[0]
        assert f"<dd>{shown.blind_cosine:.4f}</dd>" in card
        assert f"<dd>{shown.reference_cosine:.4f}</dd>" in card
        assert shown.left.key in card
        assert shown.right.key in card


@pytest.mark.parametrize("count", [0, 5])
def test_the_page_is_well_formed(count: int) -> None:
    pairs = [pair(rank) for rank in range(1, count + 1)]
    reader = Reader(page(report(*pairs, planted=(Planted("count", 2, 1, 1, "too near"),))))
    assert reader.open == []
    assert reader.unbalanced == []
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_run_without_pairs_gives_the_commands_that_give_some() -> None:
    advice = Advice((0.925, 0.7), 48, 0.9, Wider(0.8, 0.65))
    text = Reader(page(report(advice=advice, recipe="photos"))).text
    assert "These thresholds give 48 pairs" in text
    assert "blindpairs run photos --set filter.blind_min=0.925 --set filter.reference_max=0.7\n" in text
    assert "at least 0.9 (search.min_cosine). That is too high for about 50 pairs" in text
    settings = "--set search.min_cosine=0.8 --set filter.blind_min=0.8 --set filter.reference_max=0.65"
    assert f"blindpairs run photos {settings} --redo directions" in text


def test_a_run_without_a_single_candidate_still_has_its_page() -> None:
    nothing = np.empty(0)
    facts = {f"{kind}_{role}": nothing for kind in ("candidate", "random") for role in ("blind", "reference")}
    text = Reader(page(report(candidates_total=0, funnel=(), **facts))).text
    assert "no candidates" in text
    assert "No pair met both thresholds" in text


def test_one_of_anything_is_not_called_several() -> None:
    one = np.array([0.97])
    facts = {f"{kind}_{role}": one for kind in ("candidate", "random") for role in ("blind", "reference")}
    funnel = (Stage("images seen", 1), Stage("comparisons", 1, "pairs of images"))
    html = page(report(pair(1, photo("a", copies=1)), candidates_total=1, funnel=funnel, **facts))
    text = " ".join(Reader(html).text.split())
    assert re.findall(r"\b1 (?:more )?(?:blind )?(?!is\b)(?:\w+s|copies)\b", text) == []
    for said in (
        "1 blind pair",
        "See 1 pair",
        "1 candidate ",
        "1 random pair of images",
        "All 1 setting",
        "1 more copy",
    ):
        assert said in text, said


def test_pairs_lost_after_the_thresholds_are_not_blamed_on_them() -> None:
    text = Reader(page(report())).text
    assert "No pair is left" in text
    assert "No pair met both thresholds" not in text


def test_images_lost_without_a_reason_are_pointed_out() -> None:
    funnel = (Stage("images seen", 100), Stage("readable", 90, lost=(("truncated", 7),)))
    assert "3 without a reason" in Reader(page(report(funnel=funnel))).text


def test_an_image_that_is_gone_is_said_to_be_gone() -> None:
    assert Reader(page(report(pair(1)))).text.count("This image could not be read any more.") == 4  # card and head


def test_the_same_report_gives_the_same_bytes() -> None:
    assert page(report(pair(1), pair(2))) == page(report(pair(1), pair(2)))


def test_a_thousand_pairs_stay_under_thirty_megabytes() -> None:
    pictures = [thumbnail(drawn_photo(seed, (640, 480))) for seed in range(20)]
    pairs = [
        pair(n, photo("l", thumbnail=pictures[n % 20]), photo("r", thumbnail=pictures[n * 7 % 20]))
        for n in range(1, 1001)
    ]
    assert 10e6 < len(page(report(*pairs)).encode()) < 30e6


def test_a_page_comes_in_pieces() -> None:
    pictures = thumbnail(drawn_photo(5))
    pairs = [pair(n, photo("l", thumbnail=pictures), photo("r", thumbnail=pictures)) for n in range(1, 301)]
    pieces = [len(piece) for piece in render(report(*pairs))]
    assert max(pieces) < sum(pieces) / 10


@pytest.mark.parametrize(("floor", "blind_min"), [(0.9, 0.95), (0.65, 0.6512), (0.97, 0.95)])
def test_any_floor_and_threshold_can_be_drawn(floor: float, blind_min: float) -> None:
    reader = Reader(page(report(pair(1), floor=floor, blind_min=blind_min, reference_max=0.555)))
    assert f"{blind_min:g}" in reader.text
    assert "0.555" in reader.text
    assert len(reader.named("svg")) == 3


def test_estimates_are_called_estimates() -> None:
    assert "Estimated number of candidates" in Reader(page(report(pair(1), candidates_total=4000))).text
