"""What a pair lacks: the browser says it as the server does, while somebody types, and before Ctrl+Enter goes on."""

from __future__ import annotations

import random
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from world.authoring import all_written

from stages.author.authored import DECISIONS, LETTERS, Authored, checked
from stages.patterns import BY_NAME

COMPARE = """async (forms) => {
  const { isWhole, lacksOf, questionLacks, statementsLack } = await import("/static/lacks.js");
  return forms.map((form) => [questionLacks(form), statementsLack(form), lacksOf(form), isWhole(form)]);
}"""
TEXTS = ("", "", " ", "\t\u2003", "Open", "open", " OPEN ", "o\u0000pen", "o pen", "Straße", "STRASSE", "(a)", "x)",
         "ΣΑΣ", "σας", "ı", "i", "I", "İ", "\ufeff", "\u200b", "ﬁ", "fi")  # fmt: skip


def forms(count: int) -> list[dict[str, str]]:
    """Forms as a page may hold them: few texts, so that options are often alike."""
    drawn = random.Random(7)
    fields = ("question", "option_a", "option_b", "left_statement", "right_statement")
    return [
        {name: drawn.choice(TEXTS) for name in fields}
        | {"left_answer": drawn.choice(("", *LETTERS)), "pattern": drawn.choice(("", *BY_NAME))}
        | {"decision": drawn.choice(DECISIONS), "draft": drawn.choice(("", "", "", "some-model"))}
        for _ in range(count)
    ]


def as_the_server(form: dict[str, str]) -> list[Any]:
    words = {name: value for name, value in form.items() if name != "draft"}
    pair = replace(Authored("l", "r", draft=form["draft"]), **checked(words))  # type: ignore[arg-type]
    return [list(pair.question_lacks), list(pair.statements_lack), list(pair.lacks), pair.whole]


def test_the_browser_says_of_every_form_what_the_server_says(tab) -> None:
    every = forms(4000)
    found = tab(1).page.evaluate(COMPARE, every)
    wrong = [
        (form, here, there) for form, here in zip(every, found, strict=True) if here != (there := as_the_server(form))
    ]
    assert wrong == []
    assert len({tuple(one[2]) for one in found}) > 40  # the forms do differ


def test_letters_are_the_same_for_both_in_every_alphabet(tab) -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    letters = [one for one in every if unicodedata.category(one) not in ("Cs", "Cn", "Co", "Cc")]
    script = "async (all) => { const { folded } = await import('/static/lacks.js'); return all.map(folded); }"
    found = dict(zip(letters, tab(1).page.evaluate(script, letters), strict=True))
    cased = [one for one in letters if one.casefold() != one or found[one] != one]
    assert len(cased) > 1000
    there, here = ({one: fold(one) for one in cased} for fold in (str.casefold, found.__getitem__))
    odd = [
        (one, other)
        for one in cased
        for other in {one.casefold(), one.lower(), one.upper()}
        if len(other) == 1 and (there[one] == other.casefold()) != (here[one] == found[other])
    ]
    assert odd == []


def test_the_hint_follows_the_typing_and_not_the_saving(tab) -> None:
    page = tab(1)
    page.press("k")
    page.is_saved()
    page.page.route("**/api/pairs/*/*", lambda route: route.abort())  # nothing is saved from here on
    page.press("e")
    page.type("Is it open?")
    expect(page.page.locator("#lacks")).to_have_text("Still lacks: option a, option b, the right answer.")
    page.press("Enter")
    page.type("Open")
    page.press("Enter")
    page.type("open")
    expect(page.page.locator("#lacks")).to_have_text("Still lacks: two options that differ, the right answer.")
    page.page.unroute_all()
    page.is_saved()
    page.complaints.clear()  # of the requests that were aborted


def test_of_a_kept_pair_that_lacks_something_control_and_enter_says_what_before_it_goes_on(tab, tmp_path: Path) -> None:
    page = tab(2)
    page.press("k", "e")
    page.type("Is it open?")
    page.press("Control+Enter")
    page.is_told("Still lacks: option a, option b, the right answer. Ctrl+Enter again goes on.")
    page.is_at(1)
    expect(page.field("option_a")).to_be_focused()
    page.type("Open")
    page.press("Control+Enter")  # it lacks something else now
    page.is_told("Still lacks: option b, the right answer.")
    expect(page.field("option_b")).to_be_focused()
    page.type("Closed")
    page.press("Control+Enter")
    page.is_told("Still lacks: the right answer.")
    page.press("Control+Enter")  # from the choice of the right answer, which has the focus
    page.is_at(2)
    page.is_saved()
    assert [pair["option_b"] for pair in all_written(tmp_path / "made")] == ["Closed"]


@pytest.mark.parametrize("key", ["a", "1", "t"])
def test_a_key_pressed_on_empty_fields_touches_no_pair(tab, tmp_path: Path, key: str) -> None:
    page = tab(1)
    page.press(key)
    page.is_saved()
    expect(page.page.locator('#show option[value="open"]')).to_have_text("open (1)")
    assert [Authored(**pair).blank for pair in all_written(tmp_path / "made")] == [True]
