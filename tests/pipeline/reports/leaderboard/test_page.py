"""The leaderboard says what the answers say, and treats whatever a model replied as text."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from world.evaluations import (
    Evaluated,
    always_a,
    drawn_pairs,
    fair_coin,
    near_cosines,
    oracle,
    pairs,
    question,
    right_with,
    without,
)

from manifests.storage import Folder
from pipeline.reports.leaderboard.gather import gather
from pipeline.reports.leaderboard.page import render
from pipeline.reports.leaderboard.write import write_leaderboard

NASTY = "</script></pre><img src=x onerror=alert(1)>{{ 7 * 7 }}"


class Tables(HTMLParser):
    """The cells of each table of figures, row by row, and every element's name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.elements: list[str] = []
        self._cell: list[str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self.tables[-1][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def page_of(folder: Folder) -> str:
    return "".join(render(gather(folder)))


def row_of(html: str, model: str) -> list[str]:
    """The row of a model in the first table that has one."""
    return next(row for table in Tables(html).tables for row in table if row and row[0].split()[0] == model)


def test_the_figures_are_those_of_an_independent_count(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(40, ("state", "count"))).model("m", right_with(0.7)).model("c", fair_coin)
    html = page_of(made.scored())
    for name, rule in (("m", right_with(0.7)), ("c", fair_coin)):
        coin = random.Random(name)
        right = [rule(one, "as_written", coin)["answer"] == one["answer"] for one in made.questions]
        both = [first and second for first, second in zip(right[::2], right[1::2], strict=True)]
        row = row_of(html, name)
        assert row[1].split()[0] == f"{100 * sum(both) / 40:.1f}"
        assert row[3].split()[0] == f"{100 * sum(right) / 80:.1f}"


def test_what_a_model_replied_is_text_and_no_markup(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(2)).model("m", lambda *asked: {**always_a(*asked), "response": NASTY})
    html = page_of(made.scored())
    found = Tables(html)
    assert found.elements.count("script") == 1
    assert "img" not in found.elements
    assert "{{ 7 * 7 }}" in html
    assert "&lt;/script&gt;" in html


def test_an_incomplete_model_has_no_figures_and_the_page_says_why(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(3)).model("whole", oracle)
    made.model("broken", lambda one, *more: without("failed") if one["place"] == 1 else oracle(one, *more))
    html = page_of(made.scored())
    row = row_of(html, "broken")
    assert "incomplete" in row[0]
    assert row[1:5] == ["–", "", "–", ""]
    assert row[-1] == "1 failed"
    assert "has no figures until the same command has asked those again" in html
    assert row_of(html, "whole")[1].startswith("100.0")


def test_figures_of_two_prompt_forms_never_share_a_table(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, questions := pairs(4))
    made.model("l", oracle).model("o", oracle, prompt="ours").matching("clip", near_cosines(questions, 0.5))
    tables = Tables(page_of(made.scored())).tables
    names = {"l", "o", "clip"}
    figures = [table for table in tables if table[0][0] == "model" and "not read" in table[0]]
    assert [{row[0] for row in table[1:]} & names for table in figures] == [{"l"}, {"o"}, {"clip"}]


@pytest.mark.parametrize(
    ("questions", "published"),
    [(pairs(3), True), ([question(n, f"alone {n}") for n in range(1, 4)], False)],
    ids=["pairs", "single questions"],
)
def test_published_figures_stand_beside_pairs_alone(questions: list, published: bool, tmp_path: Path) -> None:
    html = page_of(Evaluated(tmp_path, questions).model("m", oracle).scored())
    assert ("Published on MMVP" in html) == published
    assert ("95.7" in html) == published


def test_the_same_model_without_the_image_is_set_beside_it(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(10)).model("on", oracle).model("off", always_a, vision=False)
    html = page_of(made.scored())
    assert "With the image and without it" in html
    assert "needs eyes" in html
    assert "+100.0" in html


def test_a_picture_that_is_gone_is_said_and_the_others_are_shown(tmp_path: Path) -> None:
    rows = drawn_pairs(tmp_path / "images", 2)
    Path(rows[0]["uri"]).unlink()
    html = page_of(Evaluated(tmp_path / "evaluation-1", rows).model("m", oracle).scored())
    assert html.count("This image could not be read any more.") == 2  # on its card and at the top
    assert len(re.findall(r"data:image/\w+;base64", html)) == 4


def only_matching(made: Evaluated) -> Evaluated:
    return made.matching("clip", near_cosines(made.questions, 0.6))


@pytest.mark.parametrize(
    "models", [lambda made: made.model("m", oracle), only_matching], ids=["one that answers", "one that matches"]
)
def test_an_evaluation_of_one_model_without_categories_has_a_page(
    models: Callable[[Evaluated], Evaluated], tmp_path: Path
) -> None:
    path = Path(write_leaderboard(models(Evaluated(tmp_path, pairs(2))).scored()))
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert path.read_bytes() == Path(write_leaderboard(Folder(str(tmp_path)))).read_bytes()
