"""Answering in a real browser: one photo at a time, by keyboard, without a word of what is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from world.authoring import author, paired_run, pairs_of
from world.browser import answering
from world.pages import Writing

from pipeline.benchmark.page.opaque import OpaqueNames
from stages.author.answers import Answer
from stages.author.store import NAME, Store


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = paired_run(tmp_path, 3)
    author(made, range(3))
    return made


@pytest.fixture
def page(run: Path, browser: Browser) -> Iterator[Writing]:
    context = browser.new_context()
    with answering(run, "bob") as url:
        one = Writing(context, url)
        yield one
        context.close()


def answers(run: Path) -> list[Answer]:
    store = Store(run / NAME)
    try:
        return store.answers()
    finally:
        store.close()


def is_asked(page: Writing, done: int) -> str:
    """Wait for the question after so many; what the photo is called that is shown."""
    expect(page.page.locator("#count")).to_have_text(f"{done} of 6 answered")
    src = page.page.get_by_role("img").get_attribute("src")
    assert src
    return src.removeprefix("/photos/")


def names(run: Path) -> dict[str, tuple[str, str, str]]:
    """What photos are called on bob's page -> the questions."""
    with closing(Store(run / NAME)) as store:
        known = OpaqueNames(store.secret(), "bob")
        return {
            known.photo((pair, side)): (pair.left_id, pair.right_id, side)
            for pair in store.pairs()
            for side in ("left", "right")
        }


def test_a_person_answers_all_by_keyboard_and_is_done(page: Writing, run: Path) -> None:
    given = {}
    for done, key in enumerate(("a", "2", "b", "1", "a", "b")):
        given[is_asked(page, done)] = {"1": "a", "2": "b"}.get(key, key)
        page.press(key)
    expect(page.page.get_by_role("heading", name="All are answered. Thank you.")).to_be_focused()
    kept = {(one.left_id, one.right_id, one.side): one.chosen for one in answers(run)}
    assert kept == {names(run)[name]: letter for name, letter in given.items()}
    assert {one.person for one in answers(run)} == {"bob"}
    assert page.complaints == []


def test_a_person_may_go_back_and_answer_otherwise(page: Writing, run: Path) -> None:
    first = is_asked(page, 0)
    page.press("a")
    is_asked(page, 1)
    page.press("u")
    expect(page.page.get_by_role("img")).to_have_attribute("src", f"/photos/{first}")
    page.press("b")
    expect(page.page.get_by_role("img")).not_to_have_attribute("src", f"/photos/{first}")
    assert [one.chosen for one in answers(run)] == ["b"]


def test_a_question_that_was_changed_is_asked_anew(page: Writing, run: Path) -> None:
    shown = is_asked(page, 0)
    place = pairs_of(run).index(names(run)[shown][:2])
    author(run, [place], question="Is it another thing?")
    page.press("a")
    page.is_told("the question was changed meanwhile")
    is_asked(page, 0)
    assert answers(run) == []


def test_the_page_says_nothing_of_what_is_right(page: Writing, run: Path) -> None:
    is_asked(page, 0)
    known = page.page.content()
    words = ("left_answer", "statement", "an open thing", "a closed thing", "caption of", "label 1", "-photos/")
    assert [word for word in words if word in known] == []


def test_buttons_and_photo_have_names_and_the_question_is_read_first(page: Writing) -> None:
    is_asked(page, 0)
    expect(page.page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.button("Open")).to_be_visible()
    expect(page.button("Closed")).to_be_visible()
    expect(page.button("Back one")).to_be_visible()
    expect(page.page.get_by_role("img", name="The photo of question 1")).to_be_visible()
    page.press("Tab", "Tab", "Enter")
    is_asked(page, 1)


def test_who_goes_back_sees_what_they_chose_before_and_nowhere_else(page: Writing) -> None:
    mark = page.page.get_by_text("chosen before")
    first = is_asked(page, 0)
    page.press("b")
    is_asked(page, 1)
    expect(mark.filter(visible=True)).to_have_count(0)
    page.press("u")
    expect(page.page.get_by_role("img")).to_have_attribute("src", f"/photos/{first}")
    expect(page.page.get_by_role("button", name="Closed chosen before", exact=True)).to_be_visible()
    expect(page.page.get_by_role("button", name="Open", exact=True)).to_be_visible()
    page.press("a")
    expect(mark.filter(visible=True)).to_have_count(0)
    page.press("u")
    expect(page.page.get_by_role("button", name="Open chosen before", exact=True)).to_be_visible()


def test_questions_that_are_all_dropped_meanwhile_leave_a_sentence(page: Writing, run: Path) -> None:
    is_asked(page, 0)
    author(run, range(3), decision="rejected")
    page.press("a")
    page.is_told("the question was changed meanwhile")
    expect(page.page.get_by_role("heading", name="There are no questions any more")).to_be_focused()
    page.press("a", "b")
    page.page.reload()
    expect(page.page.get_by_role("heading", name="There are no questions any more")).to_be_visible()
    assert answers(run) == []
