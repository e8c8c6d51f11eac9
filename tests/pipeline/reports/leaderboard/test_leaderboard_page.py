"""The leaderboard page: its figures equal a count by hand, and it says what is missing."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest
from world.evaluations import (
    Evaluated,
    always_a,
    fair_coin,
    near_cosines,
    oracle,
    pairs,
    question,
    right_with,
    without,
)
from world.html_reader import Reader
from world.leaderboards import card, given, page, rows, says, section, standing, words

from manifests.storage import Folder
from pipeline.reports.leaderboard.write import write_leaderboard

TRUTH = "ab" * 6  # of `pairs(6)`
GOOD, POOR = "ab" * 5 + "aa", "ab" + "aa" * 5  # five pairs and eleven questions right; one pair and seven


def interval(right: int, of: int) -> str:
    low, high = binomtest(right, of).proportion_ci(method="exact")
    return f"{100 * low:.1f} to {100 * high:.1f}"


def two_models(folder: Path, **more: Any) -> Evaluated:
    made = Evaluated(folder, pairs(6, ["colour", "text"]))
    return made.model("good", given(GOOD), **more).model("poor", given(POOR), **more)


def test_both_accuracies_their_intervals_and_chance_equal_a_count_by_hand(tmp_path: Path) -> None:
    table = rows(standing(page(two_models(tmp_path)), "Models that answer, prompt form letter"))
    assert table["good"][0] == f"83.3 {interval(5, 6)} 5 of 6"
    assert table["good"][1] == f"91.7 {interval(11, 12)} 11 of 12"
    assert table["poor"][0] == f"16.7 {interval(1, 6)} 1 of 6"
    assert table["poor"][1] == f"58.3 {interval(7, 12)} 7 of 12"
    assert table["good"][2] == "25.0 by pair 50.0 by question"
    assert table["good"][3] == "58.3 " + interval(7, 12)  # chose the first option seven times


def test_the_bar_of_a_share_begins_and_ends_with_its_interval(tmp_path: Path) -> None:
    low, high = binomtest(5, 6).proportion_ci(method="exact")
    assert f"--value:83.33%;--low:{100 * low:.2f}%;--high:{100 * high:.2f}%" in page(two_models(tmp_path))


def test_a_question_asked_in_both_orders_is_guessed_right_a_quarter_of_the_time(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(4)).model("both", always_a, both_orders=True, prompt="ours")
    table = rows(section(page(made), "Models that answer, prompt form ours"))
    assert table["both"][2] == "6.2 by pair 25.0 by question"


def test_the_difference_to_the_best_model_has_mcnemars_and_holms_p(tmp_path: Path) -> None:
    made = two_models(tmp_path).model("none", given("ba" * 6)).model("knows", oracle, kind="oracle")
    table = rows(section(page(made), "Models that answer").partition("compared with the others")[2])
    p = {"poor": binomtest(4, 4).pvalue, "none": binomtest(5, 5).pvalue, "knows": binomtest(0, 1).pvalue}
    assert {name: cells[4] for name, cells in table.items()} == {name: f"{value:.3f}" for name, value in p.items()}
    assert [cells[5] for cells in (table["none"], table["poor"])] == ["0.188", "0.250"]  # 3 x 0.0625 and 2 x 0.125
    assert (table["poor"][0], table["knows"][0]) == ("+66.7", "−16.7")
    assert table["poor"][2:4] == ["4", "0"]


def test_a_model_with_a_missing_reply_has_no_figure_and_the_page_says_which(tmp_path: Path) -> None:
    replies = {3: without("failed", "HTTP 503")}
    made = Evaluated(tmp_path, pairs(6, ["colour"])).model("whole", oracle)
    made.model("torn", says(replies, given(TRUTH[:8] + "  ab")))
    html = page(made)
    table = rows(section(html, "Models that answer"))
    assert table["torn"][0] == "incomplete 3 of 12 replies missing"
    assert not re.search(r"\d\d\.\d", " ".join([table["torn"][0], *table["torn"][2:]]))
    told = section(html, "Incomplete models")
    assert "torn : 1 request failed and 2 replies are missing, of 12. Pairs 2 , 5 ." in words(told)
    assert "blindpairs evaluate" in told
    assert re.findall(r'href="#(group-\d+)"', told) == ["group-2", "group-5"]
    assert "torn" not in rows(section(html, "Category by category"))
    assert "HTTP 503" in card(html, 2)


def test_a_complete_evaluation_says_so(tmp_path: Path) -> None:
    html = page(two_models(tmp_path))
    assert "All models are complete." in words(html)
    assert "Incomplete models" not in html


def test_models_of_different_forms_are_never_in_one_table(tmp_path: Path) -> None:
    asked = pairs(6, ["colour", "text", "count"])
    made = Evaluated(tmp_path, asked).model("one", oracle, prompt="mmvp").model("two", always_a, prompt="letter")
    html = page(made.matching("clip", near_cosines(asked, 0.5)))
    assert set(rows(section(html, "Models that answer, prompt form mmvp"))) == {"one", "People"}
    assert set(rows(section(html, "Models that answer, prompt form letter"))) == {"two", "People"}
    assert set(rows(section(html, "Models that match images with statements"))) == {"clip"}
    for table in re.findall(r"<table(?! class=\"replies).*?</table>", html, re.S):
        assert not {"one", "two"} <= set(rows(table)), words(table)


def test_a_category_has_the_share_and_the_count_of_each_model(tmp_path: Path) -> None:
    html = section(page(two_models(tmp_path)), "Category by category")
    panels = {words(one).split()[0]: rows(one) for one in re.findall(r"<figure.*?</figure>", html, re.S)}
    assert panels["Color"] == {"good": ["", "100.0", "3 of 3"], "poor": ["", "33.3", "1 of 3"]}
    assert panels["Text"] == {"good": ["", "66.7", "2 of 3"], "poor": ["", "0.0", "0 of 3"]}


def test_figures_of_mmvp_are_shown_for_models_of_their_kind_and_only_beside_pairs(tmp_path: Path) -> None:
    html = page(two_models(tmp_path / "pairs"))
    told = section(html, "Published figures")
    assert rows(told)["GPT-4V"] != []
    assert "Published on MMVP arXiv 2401.06209, figure 4" in words(told)
    assert "OpenAI ViT-L-14" not in html
    assert rows(section(html, "Models that answer"))["People"][0] == "95.7"
    threes = [question(place, f"group {(place - 1) // 3}") for place in range(1, 7)]
    others = page(Evaluated(tmp_path / "threes", threes).model("knows", oracle))
    assert "MMVP" not in words(others)


@pytest.mark.parametrize(("seen", "meaning"), [(POOR, "at most 5 %: seeing is not needed"), (GOOD, "seeing helps")])
def test_a_model_that_does_as_well_without_the_image_shows_that_no_eyes_are_needed(
    tmp_path: Path, seen: str, meaning: str
) -> None:
    made = Evaluated(tmp_path, pairs(6)).model("seeing", given(seen), kind="openai")
    html = section(page(made.model("unseeing", given(POOR), kind="openai", vision=False)), "With the image")
    assert "can be answered without seeing" in words(html)
    assert rows(html)["seeing"][-1] == meaning


def test_the_page_asks_no_network_and_allows_only_its_own_script(tmp_path: Path) -> None:
    html = page(two_models(tmp_path))
    reader = Reader(html)
    assert reader.unbalanced == []
    assert [one for one in reader.named("link") if one["href"] != "data:,"] == []
    links = [one["href"] for one in reader.named("a")]
    names = {attributes["id"] for _, attributes in reader.elements if "id" in attributes}
    assert {link.removeprefix("#") for link in links if link} <= names
    assert "default-src 'none'" in html
    levels = [int(name[1]) for name, _ in reader.elements if name in ("h1", "h2", "h3")]
    assert max(after - before for before, after in pairwise([0, *levels])) == 1


def test_the_same_evaluation_gives_the_same_bytes(tmp_path: Path) -> None:
    before = page(two_models(tmp_path))
    assert Path(write_leaderboard(Folder(str(tmp_path)))).read_text() == before


@pytest.mark.parametrize(
    "asked",
    [[], pairs(1), pairs(2), [question(1, "a"), question(2, "b")]],
    ids=["none", "one", "no category", "single"],
)
@pytest.mark.parametrize("models", [0, 1])
def test_an_evaluation_of_almost_nothing_is_shown_too(tmp_path: Path, asked: list[Any], models: int) -> None:
    made = Evaluated(tmp_path, asked)
    for number in range(models):
        made.model(f"m{number}", right_with(0.5))
    reader = Reader(page(made))
    assert (reader.unbalanced, reader.open) == ([], [])
    assert "Category by category" not in reader.text
    assert ("Models that answer" in reader.text) == bool(models and asked)


def test_built_in_models_and_those_without_the_image_are_marked(tmp_path: Path) -> None:
    made = two_models(tmp_path).model("guess", fair_coin, kind="coin").model("dark", always_a, vision=False)
    table = standing(page(made), "Models that answer")
    marked = {words(row).split()[0]: row for row in re.findall(r'<th scope="row">(.*?)</th>', table, re.S)}
    assert [name for name, row in marked.items() if "built in" in row] == ["guess"]
    assert [name for name, row in marked.items() if "without image" in row] == ["dark"]


def test_counts_of_replies_that_were_not_read_are_in_the_table(tmp_path: Path) -> None:
    replies = {1: without("unparsed"), 4: without("refused"), 5: without("unparsed"), 6: without("truncated")}
    html = page(Evaluated(tmp_path, pairs(6)).model("vague", says(replies, oracle)))
    assert rows(section(html, "Models that answer"))["vague"][-1] == "2 unparsed, 1 refused, 1 truncated"
