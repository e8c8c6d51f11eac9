"""Leaderboards: the pages of evaluations made by hand, and what their tables say, as a reader sees it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path

from world.evaluations import Evaluated, Reply, Row, Rule, chooses

from pipeline.reports.leaderboard.write import write_leaderboard


def page(made: Evaluated) -> str:
    """The HTML of an evaluation, once it is scored."""
    return Path(write_leaderboard(made.scored())).read_text(encoding="utf-8")


def given(letters: str) -> Rule:
    """A model that chooses these letters, the first for question 1; where there is a blank, it gives no reply."""

    def rule(question: Row, order: str, coin: random.Random) -> Reply:
        letter = letters[question["place"] - 1]
        return {} if letter == " " else chooses(letter, question)

    return rule


def says(replies: Mapping[int, Reply], otherwise: Rule) -> Rule:
    """A model that gives these replies, by the question's number, and replies to all others by another rule."""

    def rule(question: Row, order: str, coin: random.Random) -> Reply:
        return replies.get(question["place"]) or otherwise(question, order, coin)

    return rule


def words(html: str) -> str:
    """The text of a piece of HTML, with one blank between words."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def section(html: str, title: str) -> str:
    """The HTML of the section whose heading begins with these words."""
    found = [one for one in re.findall(r"<section.*?</section>", html, re.S) if words(one).startswith(title)]
    assert len(found) == 1, (title, len(found))
    return found[0]


def standing(html: str, title: str) -> str:
    """The same without the differences between models, which have a heading of their own."""
    return section(html, title).partition("<h3")[0]


def rows(html: str) -> dict[str, list[str]]:
    """The cells of every row that has a heading, by the first word of that heading."""
    found = {}
    for row in re.findall(r"<tr[^>]*>\s*<th scope=\"row\">.*?</tr>", html, re.S):
        heading, *cells = [words(one) for one in re.split(r"(?=<t[hd][ >])", row)[1:]]
        found[heading.split()[0]] = cells
    return found


def card(html: str, number: int) -> str:
    """The HTML of one group's card."""
    found = re.search(rf'<article class="card" id="group-{number}".*?</article>', html, re.S)
    assert found is not None
    return found[0]
