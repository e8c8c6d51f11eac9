"""The leaderboard where much has to fit: long names, groups of many images, and figures of three digits on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.browser import Opened
from world.evaluations import Evaluated, always_a, near_cosines, oracle, pairs, question
from world.leaderboards import page, section, words

DESK, PHONE = 1280, 390
LONG = "w" * 180
COLLIDING = """lines => lines.filter(line => {
  const text = document.createRange();
  text.selectNodeContents(line.querySelector(".value"));
  return text.getBoundingClientRect().right > line.querySelector(".range").getBoundingClientRect().left;
}).map(line => line.textContent)"""


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_no_name_is_so_long_that_the_page_is_wider_than_the_screen(opened: Opened, tmp_path: Path, width: int) -> None:
    asked = [one | {"question": LONG, "options": [LONG, "no"], "statement": LONG} for one in pairs(4, [LONG, "b", "c"])]
    made = Evaluated(tmp_path, asked).model(LONG, oracle, model=LONG).model("other", always_a, model=LONG)
    tab = opened(page(made.matching("clip", near_cosines(asked, 0.5))), width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    right = tab.locator("#category").evaluate("one => one.getBoundingClientRect().right")
    assert right <= width


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_replies_about_many_images_of_a_group_scroll_in_their_card(opened: Opened, tmp_path: Path, width: int) -> None:
    letters = "abcdefgh"
    asked = [question(n, "g", image_id=f"i{n}", options=list(letters), answer=letters[n - 1]) for n in range(1, 9)]
    tab = opened(page(Evaluated(tmp_path, asked).model("m", oracle)), width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    tab.locator("#group-1").scroll_into_view_if_needed()
    widths = tab.locator("#group-1 tbody td").evaluate_all("all => all.map(one => one.clientWidth)")
    assert len(widths) == 8
    assert min(widths) >= 80
    box = tab.get_by_role("region", name="Replies, group 1")
    assert box.evaluate("box => { box.scrollLeft = 9999; return box.scrollLeft; }") > 100


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_share_of_a_hundred_percent_does_not_reach_into_its_interval(
    opened: Opened, tmp_path: Path, width: int
) -> None:
    tab = opened(page(Evaluated(tmp_path, pairs(100)).model("m", oracle, both_orders=True)), width)
    lines = tab.locator(".line:has(.range)")
    assert "100.0" in str(lines.first.text_content())
    assert lines.evaluate_all(COLLIDING) == []


def test_what_does_not_concern_an_evaluation_is_not_explained_on_its_page(tmp_path: Path) -> None:
    single = [question(place, f"group {place}") for place in (1, 2, 3)]
    plain = page(Evaluated(tmp_path / "single", single).model("m", always_a))
    told = words(section(plain, "Questions, reply by reply")) + words(section(plain, "Words and settings"))
    assert "all wrong" in told
    assert "do not count models" not in told
    assert "not independent" not in told
    paired = Evaluated(tmp_path / "pairs", pairs(3)).model("m", always_a).model("knows", oracle, kind="oracle")
    html = page(paired)
    assert "nor built-in models beside real ones" in words(section(html, "Pairs, reply by reply"))
    assert "Questions of one pair are not independent" in words(section(html, "Words and settings"))
