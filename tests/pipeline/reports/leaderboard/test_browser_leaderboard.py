"""The leaderboard in a real browser: its width, its filters, its keyboard walk, and all of it without its script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from world.browser import Opened
from world.evaluations import Evaluated, always_a, drawn_pairs, fair_coin, near_cosines, oracle, right_with, without

from pipeline.reports.leaderboard.gather import gather
from pipeline.reports.leaderboard.page import render

PAIRS = 18


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("leaderboard")
    questions = drawn_pairs(folder / "images", PAIRS)
    made = Evaluated(folder / "evaluation-1", questions)
    made.model("a-model-with-a-name-that-is-as-long-as-those-of-the-hub", right_with(0.6)).model("second", oracle)
    made.model("blind", always_a, vision=False).model("coin", fair_coin, kind="coin")
    made.model("long", lambda *asked: {**always_a(*asked), "response": "w" * 5000})
    made.model("broken", lambda one, *more: without("failed") if one["place"] == 3 else oracle(one, *more))
    made.matching("clip", near_cosines(questions, 0.3))
    return "".join(render(gather(made.scored())))


def cards(tab: Page) -> list[str]:
    return tab.locator(".card:visible").evaluate_all("all => all.map(one => one.id)")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_as_wide_as_the_screen_with_all_replies_open(opened: Opened, html: str, width: int) -> None:
    tab = opened(html, width)
    tab.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_a_filter_shows_its_pairs_and_is_in_the_address(opened: Opened, html: str) -> None:
    tab = opened(html, 1280)
    assert len(cards(tab)) == PAIRS
    button = tab.locator('[data-tag="only-clip-wrong"]')
    wanted = tab.locator('.card[data-tags~="only-clip-wrong"]').evaluate_all("all => all.map(one => one.id)")
    button.click()
    assert cards(tab) == wanted
    assert 0 < len(wanted) < PAIRS
    assert button.get_attribute("aria-pressed") == "true"
    assert int(button.locator("b").inner_text()) == len(wanted)
    expect(tab.locator("#count")).to_have_text(f"{len(wanted)} of {PAIRS} pairs")
    assert tab.url.endswith("#show-only-clip-wrong")
    assert cards(opened(html, 1280, at="#show-only-clip-wrong")) == wanted


def test_keys_walk_from_pair_to_pair_and_open_the_replies(opened: Opened, html: str) -> None:
    tab = opened(html, 1280)

    def focused() -> str:
        return tab.evaluate("document.activeElement.id")

    for key, at in (("j", 1), ("j", 2), ("ArrowRight", 3), ("k", 2), ("ArrowLeft", 1), ("k", 1)):
        tab.keyboard.press(key)
        assert focused() == f"group-{at}"
    replies = tab.locator("#group-1 .replies")
    assert not replies.evaluate("one => one.open")
    tab.keyboard.press("Enter")
    assert replies.evaluate("one => one.open")
    tab.keyboard.press("/")
    tab.keyboard.type("jjj")
    assert focused() == "search"
    expect(tab.locator("#nothing")).to_be_visible()


def test_without_its_script_everything_is_there(opened: Opened, html: str) -> None:
    tab = opened(html, 390, script=False)
    assert len(cards(tab)) == PAIRS
    expect(tab.locator(".bar")).to_be_hidden()
    tab.locator("#group-1 summary").click()
    expect(tab.locator("#group-1 pre").first).to_be_visible()
