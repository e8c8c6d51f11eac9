"""Who can use the page: without a mouse, with a screen reader, on a laptop, on a phone, with many pairs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from world.authoring import author, paired_run
from world.browser import authoring, crowded_run
from world.pages import Writing, overlap

from stages.author.answers import Answer, asked
from stages.author.store import NAME, Store

NAMED = {"button", "textbox", "searchbox", "combobox", "radio", "checkbox", "image", "progressbar", "link", "dialog"}
NAMED |= {"region", "navigation", "search", "group", "alert"}
REACHABLE = """[...document.querySelectorAll('a[href], button, input, select, textarea')]
    .filter((one) => one.checkVisibility() && one.type !== 'radio').map((one) => one.id || one.textContent.trim())"""
REACHED = """(() => { const one = document.activeElement; return one === document.body ? "" :
    [one.id || one.textContent.trim() || one.value, getComputedStyle(one).outlineStyle]; })()"""


@pytest.fixture
def page(tmp_path: Path, browser: Browser) -> Iterator[Writing]:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    with authoring(paired_run(tmp_path, 3)) as url:
        one = Writing(context, url)
        one.is_saved()
        yield one
        context.close()
    assert one.complaints == []


def accessible(page: Page) -> list[tuple[str, str]]:
    """(role, name) of all that a screen reader is given."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and "role" in node
    ]


def walked(page: Writing, key: str) -> list[Any]:
    """What has the focus after each press of this key, until it has left the page."""
    page.page.evaluate("document.activeElement.blur()")
    seen: list[Any] = []
    while not seen or seen[-1]:
        page.press(key)
        seen.append(page.page.evaluate(REACHED))
        assert len(seen) < 100, f"trapped: {seen[-3:]}"
    return seen[:-1]


def test_all_that_can_be_used_or_seen_has_a_name(page: Writing) -> None:
    found = accessible(page.page)
    assert [one for one in found if one[0] in NAMED and not one[1].strip()] == []
    assert {role for role, _ in found} >= {"banner", "navigation", "search", "main", "region", "status", "heading"}
    assert ("image", "Left photo: caption of 1") in found or ("image", "Left photo: caption of 0") in found
    assert ("button", "orientation 0 asked 0 of 15 stated") in [(role, " ".join(name.split())) for role, name in found]
    page.press("?")
    assert [one for one in accessible(page.page) if one[0] in NAMED and not one[1].strip()] == []


def test_tab_reaches_everything_and_is_caught_nowhere(page: Writing) -> None:
    there = walked(page, "Tab")
    names = [name for name, _ in there]
    assert [one for one in page.page.evaluate(REACHABLE) if one not in names] == []
    assert [name for name, outline in there if outline == "none"] == []
    assert names.index("question") < names.index("option_a") < names.index("option_b") < names.index("left_statement")
    back = [name for name, _ in walked(page, "Shift+Tab")]
    assert set(names) <= {*back, "a", "b"}  # of the radios the one that is nearer has it


def test_each_shortcut_that_is_told_is_in_the_help(page: Writing) -> None:
    every = "[...document.querySelectorAll('[aria-keyshortcuts]')]"
    told = page.page.evaluate(f"{every}.map((one) => one.getAttribute('aria-keyshortcuts'))")
    signs = {"ArrowLeft": "←", "ArrowRight": "→", "Shift+?": "?"} | dict.fromkeys("2345678", "…")
    keys = {signs.get(key, key) for keys in told for key in keys.split()}
    page.press("?")
    in_help = set(page.page.locator("#help dl kbd").all_text_contents())
    assert keys <= in_help


def test_what_a_key_did_is_said_to_who_cannot_see_it(page: Writing) -> None:
    said = page.page.get_by_role("status")
    page.press("k")
    expect(said.filter(has_text="Kept")).to_have_count(1)
    expect(said.filter(has_text="Saved")).to_have_count(1)
    page.press("n")
    expect(said.filter(has_text="Pair 2 of 3. Left photo: ")).to_have_count(1)


def test_single_keys_can_be_switched_off(page: Writing) -> None:
    page.press("?")
    page.page.get_by_label("Single keys act").press(" ")
    page.press("Escape", "k", "n")
    page.is_pressed("Open")
    page.is_at(1)
    page.page.get_by_role("button", name="Keep", exact=True).press("Enter")
    page.is_pressed("Keep")


@pytest.mark.parametrize("size", [(1366, 768), (1366, 620), (1920, 1080)])
def test_photos_and_fields_are_seen_together_without_scrolling(page: Writing, size: tuple[int, int]) -> None:
    page.page.set_viewport_size({"width": size[0], "height": size[1]})
    assert page.page.evaluate("document.scrollingElement.scrollHeight") <= size[1]
    for seen in ("#shot-left img", "#shot-right img", "#question", "#right_statement", "#state"):
        expect(page.page.locator(seen)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", [(1280, 800), (1366, 768), (1440, 900)])
def test_on_a_laptop_no_word_is_cut_and_every_badge_is_where_its_button_is(
    page: Writing, size: tuple[int, int]
) -> None:
    page.page.set_viewport_size({"width": size[0], "height": size[1]})
    cut = "[...document.querySelectorAll('.strip .name')].filter((one) => one.scrollWidth > one.clientWidth)"
    assert page.page.evaluate(f"{cut}.map((one) => one.textContent)") == []
    outside = """[...document.querySelectorAll('main button:has(kbd), .strip button')].filter((button) => {
        if (!button.checkVisibility()) return false;
        const [ours, badge] = [button, button.querySelector("kbd")].map((one) => one.getBoundingClientRect());
        return badge.right > ours.right - 1 || badge.left < ours.left || button.scrollWidth > button.clientWidth; })"""
    assert page.page.evaluate(f"{outside}.map((one) => one.textContent)") == []
    boxes = [one.bounding_box() for one in page.page.locator(".right-one label, .right-one kbd").all()]
    middles = [box["y"] + box["height"] / 2 for box in boxes if box]
    assert len(middles) == 3
    assert max(middles) - min(middles) < 6  # in one line
    broken = "[...document.querySelectorAll('.hints span')].filter((one) => one.getBoundingClientRect().height > 30)"
    assert page.page.evaluate(f"{broken}.length") == 0


def test_what_is_told_for_a_moment_covers_no_key_hint_and_no_photo(page: Writing) -> None:
    page.press("k")
    page.is_told("Kept")
    told = page.page.locator("#told").bounding_box()
    for seen in (".hints", "#shot-right", ".words", "#state", "#right_statement", ".more"):
        assert not overlap(told, page.page.locator(seen).bounding_box()), seen


def test_only_what_is_wrong_is_said_in_the_colour_of_warnings(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 1, name="missed")
    (pair,) = author(run, [0])
    with closing(Store(run / NAME)) as store:
        store.answer(Answer(pair.left_id, pair.right_id, "left", "bob", "b", asked(pair), "now"))
    with authoring(run) as url:
        page = Writing(browser, url)
        expect(page.page.locator("#lacks")).to_have_text("Answered wrongly by bob. Whole.")
        expect(page.page.locator("#lacks .warn")).to_have_text("Answered wrongly by bob.")
        expect(page.page.locator("#lacks .whole")).to_have_text("Whole.")


def test_a_narrow_window_scrolls_down_and_never_sideways(page: Writing) -> None:
    page.page.set_viewport_size({"width": 360, "height": 740})
    assert page.page.evaluate("document.scrollingElement.scrollWidth") <= 360
    page.press("e")
    expect(page.field("question")).to_be_in_viewport(ratio=1)
    expect(page.page.locator("#shot-left img")).to_be_in_viewport(ratio=0.9)


def test_the_page_does_not_grow_with_the_queue(tmp_path: Path, browser: Browser) -> None:
    nodes = []
    for pairs in (50, 5000):
        with authoring(crowded_run(tmp_path, pairs, name=f"run-{pairs}")) as url:
            page = Writing(browser, url)
            page.press("n", "n", "n", "n")
            page.is_at(5)
            nodes.append(page.page.evaluate("document.querySelectorAll('*').length"))
            page.page.close()
    assert nodes[0] == nodes[1] > 100


def test_a_photo_is_shown_as_the_encoders_saw_it_whatever_its_camera_says(tmp_path: Path, browser: Browser) -> None:
    half = Image.new("RGB", (64, 64), (255, 0, 0))
    half.paste((0, 0, 255), (32, 0, 64, 64))
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6  # turn it by 90 degrees
    half.save(stream, "JPEG", exif=exif, quality=95)
    with authoring(crowded_run(tmp_path, 1, name="run", drawn=lambda number: stream.getvalue())) as url:
        page = Writing(browser, url)
        page.is_saved()
        box = page.page.locator("#shot-left img").bounding_box()
        assert box
        image = Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")
    middle = int(box["y"] + box["height"] / 2)
    left, right = (image.getpixel((int(box["x"] + box["width"] * at), middle)) for at in (0.4, 0.9))
    assert left[0] > 200 > 50 > left[2]
    assert right[2] > 200 > 50 > right[0]
