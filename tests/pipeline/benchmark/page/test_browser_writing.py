"""Writing in a real browser: from an empty queue to an export by keyboard alone."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import Browser, expect
from pyarrow.dataset import dataset
from world.authoring import all_written, author, paired_run
from world.browser import authoring
from world.chat_server import DRAFT, chat_server
from world.commands import blindpairs
from world.pages import FIELDS, Writing

from stages.models.chat import Chat
from stages.patterns import PATTERNS

WRITTEN = ("Which way does it face?", "Left", "Right", "a thing that faces left", "a thing that faces right")


def test_a_person_goes_from_an_empty_queue_to_an_export_by_keyboard_alone(tab, tmp_path: Path) -> None:
    page = tab(12)
    for place in range(12):
        page.is_at(place + 1)
        page.press("k", str(place % 9 + 1), "e")
        page.write(f"Is thing {place} open?", f"Open {place}", f"Closed {place}", f"open {place}", f"closed {place}")
        page.press("a", *("a" if place % 2 else ""), "n")
    page.is_told("That was the last one")
    page.is_saved()
    while page.page.evaluate("document.activeElement.dataset.do") != "freeze":
        page.press("Tab")
    page.press("Enter")
    expect(page.page.get_by_role("dialog")).to_contain_text("Version 1 is made: 24 questions")
    expect(page.page.get_by_role("dialog")).to_contain_text(f"blindpairs export {tmp_path}/made --format mmvp")
    expect(page.field("frozen-formats")).to_contain_text("mmvp-vlm, lmms-eval, vlmevalkit, huggingface")
    page.press("Escape")

    rows = dataset(tmp_path / "made" / "questions-1").to_table().to_pylist()
    asked = {f"Is thing {place} open?" for place in range(12)}
    assert {(row["question"], row["author"]) for row in rows} == {(question, "ann") for question in asked}
    for row in rows:
        place = int(row["question"].split()[2])
        assert row["options"] == [f"Open {place}", f"Closed {place}"]
        assert row["answer"] == ("a" if (row["side"] == "left") == (place % 2 == 0) else "b")
        assert row["statement"] == f"{'open' if row['side'] == 'left' else 'closed'} {place}"
        assert row["pattern"] == PATTERNS[place % 9].name

    ended = blindpairs("export", str(tmp_path / "made"), "--format", "mmvp", "--to", str(tmp_path / "MMVP"))
    assert ended.returncode == 0, ended.stderr
    with (tmp_path / "MMVP" / "Questions.csv").open(newline="") as file:
        assert {line["Question"] for line in csv.DictReader(file)} == asked


def test_words_are_saved_while_they_are_typed(tab, tmp_path: Path) -> None:
    page = tab(1)
    page.press("Enter")
    page.type("  Is it  open? ")
    page.is_saved()
    page.has(question="  Is it  open? ")  # never pulled from under the hand that types
    assert all_written(tmp_path / "made")[0]["question"] == "Is it open?"
    page.press("Escape")
    page.has(question="Is it open?")


def test_control_and_enter_saves_and_goes_on(tab, tmp_path: Path) -> None:
    page = tab(2)
    page.press("e")
    page.type("Is it open?")
    page.press("Control+Enter")
    page.is_at(2)
    page.has(question="")
    page.press("k")  # the keys are the page's again
    page.is_pressed("Keep")
    page.is_saved()
    assert [pair["question"] for pair in all_written(tmp_path / "made") if pair["question"]] == ["Is it open?"]


def test_what_is_missed_and_unfinished_is_said(tab, tmp_path: Path) -> None:
    page = tab(1)
    expect(page.page.locator(".goal label")).to_have_text("0 of 150 pairs asked")
    page.press("k")
    expect(page.page.locator("#lacks")).to_contain_text(
        "Still lacks: the question, option a, option b, the right answer"
    )
    page.press("e")
    page.write(*WRITTEN)
    page.press("a")
    lacks = "Whole; but what was begun beside it lacks: a pattern for its statements."
    expect(page.page.locator("#lacks")).to_have_text(lacks)
    page.press("1")
    expect(page.page.locator("#lacks")).to_have_text("Whole.")
    expect(page.page.locator("#whole")).to_have_text("1")
    expect(page.page.locator("#words-left .answer")).to_have_text("aLeft")
    expect(page.page.locator("#words-right .answer")).to_have_text("bRight")


def test_a_draft_is_marked_until_a_person_takes_it(tab, tmp_path: Path) -> None:
    with chat_server() as server:
        page = tab(1, chat=Chat(server.url, "made-up"))
        page.press("g")
        expect(page.field("draft")).to_contain_text("A draft of made-up")
        page.has(**{name: DRAFT[name] for name in FIELDS})
        page.press("k")
        page.is_saved()
        expect(page.page.locator("#lacks")).to_contain_text("a person's yes to the draft")
        expect(page.field("draft")).to_be_visible()
        expect(page.page.locator("#whole")).to_have_text("0")
        assert all_written(tmp_path / "made")[0]["draft"] == "made-up"
        page.press("y")
        expect(page.field("draft")).to_be_hidden()
        page.is_saved()
        expect(page.page.locator("#lacks")).to_have_text("Whole.")
    assert all_written(tmp_path / "made")[0]["draft"] == ""


def test_a_draft_is_taken_by_who_changes_a_word_of_it(tab, tmp_path: Path) -> None:
    with chat_server() as server:
        page = tab(1, chat=Chat(server.url, "made-up"))
        page.press("k", "g")
        expect(page.field("draft")).to_be_visible()
        page.press("2", "t", "t")  # what it is sorted under is nobody's word
        page.is_saved()
        expect(page.field("draft")).to_be_visible()
        page.press("a")
        expect(page.field("draft")).to_be_hidden()
        expect(page.page.locator("#lacks")).to_have_text("Whole.")


def test_a_draft_over_words_of_a_person_is_refused_and_nothing_changes(tab, tmp_path: Path) -> None:
    with chat_server() as server:
        page = tab(1, chat=Chat(server.url, "made-up"))
        page.press("e")
        page.write("Mine?")
        page.is_saved()
        before = all_written(tmp_path / "made")
        page.press("g")
        page.is_told("No draft: a person has written of this pair")
        page.has(question="Mine?", option_a="")
        expect(page.field("draft")).to_be_hidden()
        assert server.asked == []
    assert all_written(tmp_path / "made") == before
    page.complaints = [one for one in page.complaints if "502" not in one]  # the browser's own line


def test_enter_goes_from_the_options_to_which_is_right_and_stays_in_the_last_field(tab, tmp_path: Path) -> None:
    page = tab(1)
    page.press("e", "Enter", "Enter")
    expect(page.field("option_b")).to_be_focused()
    page.press("Enter")
    radios = page.page.locator("[name=left_answer]")
    expect(radios.first).to_be_focused()
    page.press("a", "a")
    expect(radios.nth(1)).to_be_checked()
    page.press("Enter", "Enter")
    expect(page.field("right_statement")).to_be_focused()
    page.type("shut")
    page.press("Enter")
    expect(page.field("right_statement")).to_be_focused()
    page.press("Escape", "e", "Enter", "Enter", "Enter")
    expect(radios.nth(1)).to_be_focused()  # the one that is chosen
    page.is_saved()
    (pair,) = all_written(tmp_path / "made")
    assert (pair["left_answer"], pair["right_statement"], pair["question"]) == ("b", "shut", "")


def test_a_new_visit_begins_at_the_first_pair_that_is_open(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 3)
    with authoring(run) as url:
        first = Writing(browser, url)
        first.press("r")
        first.is_at(2)
        first.is_saved()
        first.page.reload()
        first.is_at(2)
        author(run, range(3))
        first.page.reload()
        first.is_at(1)  # nothing is open
        assert first.complaints == []
