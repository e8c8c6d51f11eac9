"""The keys of the authors' page in a real browser: decide, undo, blink, walk, search."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect
from world.authoring import all_written
from world.chat_server import chat_server

from stages.models.chat import Chat


def test_reject_and_duplicate_go_on_and_keep_stays(tab, tmp_path: Path) -> None:
    page = tab(3)
    page.press("r")
    page.is_at(2)
    page.press("d")
    page.is_at(3)
    page.press("k")
    page.is_pressed("Keep")
    page.is_at(3)
    page.is_saved()
    assert sorted(pair["decision"] for pair in all_written(tmp_path / "made")) == ["duplicate", "kept", "rejected"]
    expect(page.page.locator("#show")).to_contain_text("rejected (1)")


def test_undo_goes_back_to_the_pair_and_takes_one_change_at_a_time(tab, tmp_path: Path) -> None:
    page = tab(3)
    page.press("k", "3", "n")
    page.is_at(2)
    page.press("r")
    page.is_at(3)
    page.press("u")
    page.is_at(2)
    page.is_told("Undone, pair 2: decision is open again")
    page.is_pressed("Open")
    page.press("u")
    page.is_at(1)
    page.is_told("Undone, pair 1: pattern is none again")
    page.is_pressed("Keep")
    expect(page.page.locator('[data-pattern="state"]')).to_have_attribute("aria-pressed", "false")
    page.press("u")
    page.is_pressed("Open")
    page.press("u")
    page.is_told("Nothing to undo")
    assert {pair["decision"] for pair in all_written(tmp_path / "made")} == {"open"}


def test_changes_are_kept_in_the_order_they_were_made_however_late_the_first_is_kept(tab) -> None:
    page = tab(3)
    held = []
    page.page.route("**/api/pairs/*/*", lambda route: held.append(route), times=1)
    with page.page.expect_request("**/api/pairs/*/*"):
        page.press("k")
    page.press("3", "n")
    page.is_at(2)
    page.press("r")
    page.is_at(3)
    held[0].continue_()
    for undone in ("pair 2: decision", "pair 1: pattern", "pair 1: decision"):
        page.press("u")
        page.is_told(f"Undone, {undone} is")


def test_an_undo_says_what_it_took_back(tab) -> None:
    with chat_server() as server:
        page = tab(1, chat=Chat(server.url, "made-up"))
        page.press("g")
        page.is_told("A draft of made-up for pair 1")
        page.press("y", "u")
        page.is_told("Undone, pair 1: it is a draft again")
        page.press("u")
        page.is_told("Undone, pair 1: the draft")
        page.press("e")
        page.write("Open?")
        page.press("u")
        page.is_told("Undone, pair 1: question")
        page.has(question="")


def test_each_key_does_what_the_help_says(tab) -> None:
    page = tab(2)
    page.press("k", "9", "t", "a", "a", "?")
    expect(page.page.get_by_role("dialog")).to_contain_text("swap which option is right")
    page.press("k", "?")  # of these only the second acts on a page that lies under a dialog
    expect(page.page.get_by_role("dialog")).to_have_count(0)
    page.is_pressed("For training")
    expect(page.page.get_by_role("radio", name="left (b), right (a)")).to_be_checked()
    page.press("9", "t", "o")
    page.is_pressed("Open")
    page.is_pressed("For training", False)
    expect(page.page.locator("[data-pattern][aria-pressed=true]")).to_have_count(0)
    page.press("ArrowRight")
    page.is_at(2)
    page.press("p")
    page.is_at(1)
    page.press("Control+k", "Alt+r", "Meta+d")
    page.is_pressed("Open")


def test_the_right_photo_lies_over_the_left_while_a_key_is_held(tab) -> None:
    page = tab(1)
    left, right = (page.page.locator(f"#shot-{side}") for side in ("left", "right"))
    apart = right.bounding_box()
    for key in ("b", " "):
        page.page.keyboard.down(key)
        assert right.bounding_box() == pytest.approx(left.bounding_box(), abs=0.5)
        page.page.keyboard.up(key)
        assert right.bounding_box() == apart
    page.press("f")
    page.is_pressed("Flip")
    page.press("f")
    page.is_pressed("Flip", False)


def test_a_search_and_a_filter_walk_through_what_they_find(tab, tmp_path: Path) -> None:
    page = tab(5)
    page.press("n", "n")
    page.is_at(3)
    page.press("k")
    page.is_saved()
    page.press("m", "k", "Enter")  # the menu opens; a letter finds the word
    expect(page.field("found")).to_have_text("1 of 1")
    page.press("m", "o", "Enter")
    page.is_at(4)
    page.press("m", "a", "Enter", "/")
    page.type("CROW wire")
    page.is_at(1)
    expect(page.field("found")).to_have_text("1 of 1")
    expect(page.page.locator(".words")).to_contain_text("a crow on a wire")
    page.type(" nowhere")
    expect(page.field("found")).to_have_text("none found")
    page.is_at(1)
    page.press("Enter", "n")  # out of the search, which stays
    page.is_told("No pair matches")
    expect(page.field("search")).to_have_value("CROW wire nowhere")
    page.press("/", "Escape")
    expect(page.field("search")).to_have_value("")
    expect(page.field("found")).to_have_text("")
    page.press("n")
    page.is_at(2)
