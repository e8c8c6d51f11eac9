"""The leaderboard in a real browser: filters, the walk by keys, on a phone and on a desk, and without its script."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import Page, expect
from world.browser import Opened
from world.evaluations import Evaluated, always_a, drawn_pairs, fair_coin, near_cosines, oracle, right_with, without
from world.leaderboards import page, says

DESK, PHONE = 1280, 390
LONG = {
    "answer": "a",
    "rule": "letter",
    "status": "ok",
    "response": "A long reply </script><img src=x onerror=no()> " * 20,
}
OUTSIDE = """svgs => svgs.flatMap(svg => {
  const edge = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter(text => {
    const box = text.getBoundingClientRect();
    const across = box.left < edge.left || box.right > edge.right;
    return !box.width || across || box.top < edge.top || box.bottom > edge.bottom;
  }).map(text => text.textContent);
})"""
CLIPPED = """document => [...document.querySelectorAll("h1, h2, h3, th, td, p, dt, dd, li, figcaption, button")]
  .filter(one => one.offsetParent && !one.closest(".card") && !one.closest(".unseen"))
  .filter(one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
  .map(one => one.textContent.trim().slice(0, 60))"""


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Twelve pairs in nine patterns, with models of two forms, built-in ones, one that is incomplete, and CLIP."""
    folder = tmp_path_factory.mktemp("evaluated")
    asked = drawn_pairs(folder / "images", 12)
    made = Evaluated(folder / "evaluation-1", asked)
    made.model("a-model-with-a-long-name-72b-instruct", says({1: LONG}, right_with(0.7)), model="hub/a-model-72b")
    made.model("unseeing", right_with(0.5), model="hub/a-model-72b", vision=False)
    made.model("broken", says({5: without("failed", "HTTP 503")}, right_with(0.6)), prompt="ours", both_orders=True)
    made.model("a", always_a, kind="always_a").model("coin", fair_coin, kind="coin").model(
        "best", oracle, kind="oracle"
    )
    return page(made.matching("clip", near_cosines(asked, 0.6)))


@pytest.fixture
def opened(html: str, opened: Opened) -> Opened:
    """Open the page; arguments as the shared fixture of this name has them, without the HTML."""
    return partial(opened, html)


def shown(tab: Page) -> list[int]:
    return [int(name[6:]) for name in tab.locator(".card:visible").evaluate_all("all => all.map(one => one.id)")]


def tagged(tab: Page, tag: str) -> list[int]:
    """The groups whose card names this tag in words, whatever is shown."""
    cards = tab.locator(".card").evaluate_all(
        "all => all.map(one => [one.id, one.querySelector('.tags')?.textContent])"
    )
    return [int(name[6:]) for name, text in cards if tag in (text or "")]


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_page_is_as_wide_as_the_screen_and_nothing_is_cut(opened: Opened, width: int) -> None:
    tab = opened(width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.locator("main svg").count() > 0
    assert tab.locator("main svg").evaluate_all(OUTSIDE) == []
    assert tab.evaluate(f"({CLIPPED})(document)") == []


def test_on_a_phone_a_wide_table_scrolls_in_its_own_box(opened: Opened) -> None:
    box = opened(PHONE).get_by_role("region", name="Table of prompt form letter")
    assert box.evaluate("box => { box.scrollLeft = 9999; return box.scrollLeft; }") > 100


def test_a_filter_shows_the_groups_of_its_tag_and_is_kept_in_the_address(opened: Opened) -> None:
    tab = opened(DESK)
    expected = tagged(tab, "models disagree")
    assert 0 < len(expected) < 12
    button = tab.get_by_role("button", name="models disagree")
    expect(button).to_contain_text(str(len(expected)))
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert shown(tab) == expected
    expect(tab.locator("#count")).to_have_text(f"{len(expected)} of 12 pairs")
    assert tab.url.endswith("#show=split")
    tab.go_back()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert shown(tab) == list(range(1, 13))


def test_a_filter_in_the_address_is_there_when_the_page_opens(opened: Opened) -> None:
    tab = opened(DESK, at="#show=split&category=presence")
    assert shown(tab) == [number for number in tagged(tab, "models disagree") if number in (2, 11)]
    expect(tab.locator("#category")).to_have_value("presence")
    tab.get_by_role("button", name="all 12").click()
    assert shown(tab) == [2, 11]
    tab.locator("#category").select_option("")
    assert shown(tab) == list(range(1, 13))
    assert shown(opened(DESK, at="#show=nonsense&category=nowhere")) == list(range(1, 13))


def test_keys_walk_through_what_is_shown_and_the_card_has_the_focus(opened: Opened) -> None:
    tab = opened(DESK, at="#category=presence")

    def focused() -> str:
        return str(tab.evaluate("document.activeElement.id"))

    for key, card in (("j", 2), ("j", 11), ("j", 11), ("k", 2), ("ArrowRight", 11), ("ArrowLeft", 2)):
        tab.keyboard.press(key)
        assert focused() == f"group-{card}", key
    outline = tab.locator("#group-2").evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    expect(tab.locator("#group-2")).to_be_in_viewport()
    bar = tab.locator(".bar").bounding_box()
    card_box = tab.locator("#group-2").bounding_box()
    assert bar is not None
    assert card_box is not None
    assert card_box["y"] >= bar["y"] + bar["height"], "the bar covers the card's top"


def test_enter_shows_whole_replies_and_so_does_the_box(opened: Opened) -> None:
    tab = opened(DESK)
    reply = tab.locator("#group-1 .raw", has_text="A long reply").first
    cut = "one => one.scrollHeight > one.clientHeight + 1"
    assert reply.evaluate(cut)
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    assert not reply.evaluate(cut)
    tab.keyboard.press("Enter")
    assert reply.evaluate(cut)
    tab.get_by_label("whole replies").check()
    assert not reply.evaluate(cut)


def test_a_link_to_a_group_reaches_it_although_a_filter_hides_it(opened: Opened) -> None:
    tab = opened(DESK, at="#category=presence")
    tab.get_by_role("link", name="3", exact=True).first.click()
    assert 3 in shown(tab)
    expect(tab.locator("#group-3")).to_be_in_viewport()
    assert tab.evaluate("document.activeElement.id") == "group-3"


def test_without_its_script_the_page_shows_every_card_and_whole_reply_and_no_control(opened: Opened) -> None:
    tab = opened(PHONE, script=False)
    assert shown(tab) == list(range(1, 13))
    assert tab.locator(".bar").is_hidden()
    assert not tab.locator("#group-1 .raw", has_text="A long reply").first.evaluate(
        "one => one.scrollHeight > one.clientHeight + 1"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_their_ground_differ_in_either_scheme(opened: Opened, scheme: str) -> None:
    tab = opened(DESK, scheme=scheme)
    light = """selector => { const style = getComputedStyle(document.querySelector(selector));
      const sum = text => text.match(/[\\d.]+/g).slice(0, 3).reduce((all, one) => all + Number(one), 0);
      return [sum(style.color), sum(getComputedStyle(document.body).backgroundColor)]; }"""
    for selector in (".lead", ".value", ".note", ".raw", ".badge"):
        words, ground = tab.evaluate(light, selector)
        assert (words < ground) == (scheme == "light"), selector
        assert abs(words - ground) > 250, selector
