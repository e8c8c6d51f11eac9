"""Two tabs with the same pair in a real browser: the later one is told, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from world.authoring import paired_run, written_of
from world.browser import authoring
from world.pages import Writing, overlap


@pytest.fixture
def two(tmp_path: Path, browser: Browser) -> Iterator[tuple[Path, Writing, Writing]]:
    """Two tabs with the same pair, of which the first has written a question since the second was loaded."""
    run, context = paired_run(tmp_path, 2), browser.new_context()
    with authoring(run) as url:
        first, second = Writing(context, url), Writing(context, url)
        second.is_at(1)
        first.press("e")
        first.write("Theirs?")
        first.is_saved()
        yield run, first, second
        context.close()


def test_the_later_of_two_tabs_is_told_and_may_take_the_others_words(two) -> None:
    run, _, second = two
    second.press("e")
    second.page.keyboard.insert_text("Mine?")  # at once: a pause in typing would send a part of it
    notice = second.page.get_by_role("alert")
    expect(notice).to_contain_text("Pair 1 was changed meanwhile, by ann")
    expect(notice).to_contain_text("theirs: Theirs?")
    expect(notice).to_contain_text("mine: Mine?")
    lies = notice.bounding_box()
    for seen in ("#shot-left", "#shot-right", "#cosines", ".words", "#question"):
        assert not overlap(lies, second.page.locator(seen).bounding_box()), seen
    expect(notice).to_be_in_viewport(ratio=1)
    expect(second.field("question")).to_be_focused()  # who types is not torn away
    expect(second.page.locator("#state")).to_have_text("Not saved: changed elsewhere")
    second.press("Escape", "Tab", "Enter")  # to the notice, to its first button
    expect(notice).to_be_hidden()
    second.has(question="Theirs?")
    second.is_saved()
    assert written_of(run).question == "Theirs?"


def test_the_later_of_two_tabs_may_keep_its_own_words_and_loses_none_of_the_others(two) -> None:
    run, first, second = two
    first.press("e")
    first.write("Shut")
    first.is_saved()
    second.press("e")
    second.type("Mine?")
    expect(second.page.get_by_role("alert")).to_be_visible()
    second.type(" Yes.")
    second.press("Escape", "Tab", "Tab", "Enter")
    second.is_saved()
    second.has(question="Mine? Yes.", option_a="Shut")
    assert (written_of(run).question, written_of(run).option_a) == ("Mine? Yes.", "Shut")


def test_a_key_in_the_later_tab_is_told_too_and_the_notice_takes_the_focus(two) -> None:
    run, _, second = two
    second.press("k")
    expect(second.page.get_by_role("alert")).to_be_focused()
    second.button("Keep mine").press("Enter")
    second.is_saved()
    assert (written_of(run).decision, written_of(run).question) == ("kept", "Theirs?")


def test_a_conflict_is_settled_while_another_pair_is_shown(two) -> None:
    run, _, second = two
    second.press("k", "n")
    second.is_at(2)
    second.press("r")
    second.button("Take theirs").press("Enter")
    second.is_saved()
    assert written_of(run).decision == "open"
    assert written_of(run, 1).decision == "rejected"
    second.press("p")
    second.is_at(1)
    second.has(question="Theirs?")
