"""The gallery in a real browser: on a phone and on a desk, with and without its script."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from world.browser import Opened
from world.gallery import page, pair, photo, report

from pipeline.reports.gallery.facts import Pair, Report
from pipeline.reports.gallery.figures import distribution
from pipeline.reports.gallery.page import style

DESK, PHONE = 1280, 390
THRESHOLDS = [round(-0.9 + 0.1 * step, 1) for step in range(20)]
OUTSIDE = """svgs => svgs.flatMap(svg => {
  const edge = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter(text => {
    const box = text.getBoundingClientRect();
    return !box.width || box.left < edge.left || box.right > edge.right || box.top < edge.top;
  }).map(text => `${svg.getAttribute("aria-label")}: ${text.textContent}`);
})"""


def shown(tab: Page) -> list[int]:
    return [int(rank) for rank in tab.locator(".card:visible").evaluate_all("all => all.map(one => one.dataset.rank)")]


def star(others: int = 4) -> list[Pair]:
    """Eight pairs of one image, then pairs of other images."""
    hub = photo("hub", caption="a hub")
    return [*(pair(n, hub) for n in range(1, 9)), *(pair(n) for n in range(9, 9 + others))]


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_no_label_of_a_histogram_leaves_its_figure(opened: Opened, width: int) -> None:
    cosines = np.random.default_rng(5).uniform(-0.2, 0.99, 300)
    drawn = [
        distribution(
            cosines, cosines, threshold=at, near=near, label=f"{'near: ≥' if near else 'far: <'} {at:g}", name=f"{at}"
        )
        for at in THRESHOLDS
        for near in (True, False)
    ]
    figures = "".join(f"<figure>{svg}</figure>" for svg in drawn)
    tab = opened(f"<meta charset=utf-8><style>{style()}</style><div class=plots>{figures}</div>", width)
    assert tab.locator("svg").count() == len(drawn)
    assert tab.locator("svg").evaluate_all(OUTSIDE) == []


@pytest.mark.parametrize("reference_max", [-0.9, 0.9])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_page_is_as_wide_as_the_screen_and_no_label_is_cut(
    opened: Opened, width: int, reference_max: float
) -> None:
    tab = opened(page(report(pair(1), reference_max=reference_max)), width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.locator("svg").evaluate_all(OUTSIDE) == []


def test_on_a_phone_the_map_scrolls_in_its_box_and_says_so(opened: Opened) -> None:
    html = page(report(pair(1)))
    tab = opened(html, PHONE)
    expect(tab.get_by_text("Scroll the map sideways")).to_be_visible()
    box = tab.locator(".scroll.heat")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.evaluate("box => { box.scrollLeft = 9999; return box.scrollLeft; }") > 200
    last = box.locator("svg").evaluate("svg => svg.getBoundingClientRect().right")
    assert last <= PHONE - 16 - 40, "the end of the map is not faded"
    expect(opened(html, DESK).get_by_text("Scroll the map sideways")).to_be_hidden()


def test_on_a_phone_the_search_box_is_whole(opened: Opened) -> None:
    box = opened(page(report(pair(1))), PHONE).get_by_role("searchbox")
    edges = box.evaluate("box => [box.getBoundingClientRect().left, box.getBoundingClientRect().right]")
    assert 16 <= edges[0] < edges[1] <= PHONE - 16
    box.fill(box.get_attribute("placeholder") or "")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth"), "its hint fits"


def test_a_phone_shows_a_hundred_pairs_at_a_time_and_searches_all(opened: Opened) -> None:
    html = page(report(*(pair(rank) for rank in range(1, 231))))
    tab = opened(html, PHONE)
    assert shown(tab) == list(range(1, 101))
    tab.get_by_role("button", name="Show 100 more of 130").click()
    assert shown(tab) == list(range(1, 201))
    tab.get_by_role("button", name="Show 30 more of 30").click()
    assert shown(tab) == list(range(1, 231))
    expect(tab.locator("#rest")).to_be_hidden()
    tab.reload()
    tab.get_by_role("searchbox").fill("left-229")
    assert shown(tab) == [229]
    assert shown(opened(html, DESK)) == list(range(1, 231))


def test_further_pairs_of_an_image_are_folded_and_one_click_shows_them(opened: Opened) -> None:
    tab = opened(page(report(*star())), DESK)
    assert shown(tab) == [1, 2, 3, 9, 10, 11, 12]
    expect(tab.locator("#count")).to_have_text("12 pairs, 5 folded")
    more = tab.get_by_role("button", name="5 more pairs of this image")
    assert more.evaluate("button => button.closest('.card').dataset.rank") == "3"
    more.click()
    assert shown(tab) == list(range(1, 13))
    assert tab.evaluate("document.activeElement.dataset.rank") == "4"
    tab.get_by_label("at most 3 pairs of an image").set_checked(False)
    tab.get_by_label("at most 3 pairs of an image").set_checked(True)
    assert shown(tab) == [1, 2, 3, 9, 10, 11, 12]


def test_folded_pairs_are_found_by_search_by_sorting_and_by_their_link(opened: Opened) -> None:
    html = page(report(*star()))
    tab = opened(html, DESK)
    tab.get_by_role("searchbox").fill("a hub")
    assert shown(tab) == list(range(1, 9))
    tab.get_by_role("searchbox").fill("")
    tab.get_by_label("Sort by").select_option("blind")
    assert {8, 7, 6} < set(shown(tab))
    assert not {1, 2, 3} & set(shown(tab))
    linked = opened(html, DESK, at="#pair-7")
    assert 7 in shown(linked)
    expect(linked.locator("#pair-7")).to_be_in_viewport()


def test_a_link_reaches_a_pair_that_the_phone_does_not_show_yet(opened: Opened) -> None:
    tab = opened(page(report(*(pair(rank) for rank in range(1, 231)))), PHONE, at="#pair-215")
    assert shown(tab) == list(range(1, 231))
    expect(tab.locator("#pair-215")).to_be_in_viewport()


def count(facts: Report, blind_min: float, reference_max: float) -> int:
    return int(((facts.candidate_blind >= blind_min) & (facts.candidate_reference < reference_max)).sum())


def test_the_sliders_count_the_candidates_that_would_pass(opened: Opened) -> None:
    facts = report(pair(1))
    tab = opened(page(facts), DESK)
    said = tab.locator("#sliders p")
    expect(said).to_contain_text(f"{count(facts, 0.95, 0.6)} candidates would pass with")
    tab.get_by_label("reference <").press("End")
    expect(said).to_contain_text(f"{count(facts, 0.95, 1)} candidates")
    tab.get_by_label("blind ≥").press("Home")
    expect(said).to_contain_text("400 candidates")
    expect(said).to_contain_text("--set filter.blind_min=0.9 --set filter.reference_max=1")
    about = opened(page(replace(facts, candidates_total=4000)), PHONE).locator("#sliders p")
    expect(about).to_contain_text(f"About {10 * count(facts, 0.95, 0.6):,} candidates would pass")


def test_a_run_without_pairs_has_its_sliders_too(opened: Opened) -> None:
    expect(opened(page(report()), PHONE).locator("#sliders p")).to_contain_text("would pass with")


def test_without_its_script_the_page_shows_every_pair_and_no_control(opened: Opened) -> None:
    tab = opened(page(report(*star(120))), PHONE, script=False)
    assert tab.locator(".card:visible").count() == 128
    for control in ("#sliders", "#search", "#rest", "#folding", '[data-do="more"]'):
        assert not tab.locator(control).is_visible(), control
