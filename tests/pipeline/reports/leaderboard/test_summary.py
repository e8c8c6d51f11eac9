"""The scores as text and as JSON: a table for each prompt form, exact figures, and nothing left out in silence."""

from __future__ import annotations

import pytest
from scipy import stats
from world.evaluations import Evaluated, near_cosines, oracle, pairs, without
from world.leaderboards import given, says

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.reports.leaderboard.summary import scores_of

LETTERS = "abab" + "aa" * 4  # right on the first two pairs of six; question 1 has the answer a


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    asked = pairs(6, ("state", "count"))
    made = Evaluated(tmp_path_factory.mktemp("summary"), asked).model("some", given(LETTERS)).model("all", oracle)
    made.model("ours", oracle, prompt="ours").model("torn", says({1: without("failed")}, oracle))
    return made.matching("clip", near_cosines(asked, 0.5)).scored()


def test_each_prompt_form_and_the_models_that_match_have_a_table_of_their_own(folder: Folder) -> None:
    lines = str(scores_of(folder)).splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("model ")]
    tables = [{line.split()[0] for line in lines[start + 1 : start + 4]} for start in starts]
    assert len(starts) == 3
    for names in ({"some", "all", "torn"}, {"ours"}, {"clip"}):
        assert sum(bool(names & table) for table in tables) == 1


def test_the_figures_and_intervals_are_exact(folder: Folder) -> None:
    low, high = stats.binomtest(2, 6).proportion_ci(method="exact")
    (row,) = [line for line in str(scores_of(folder)).splitlines() if line.startswith("some ")][:1]
    assert f"33.3 ({100 * low:.1f} to {100 * high:.1f})" in row
    assert "66.7 (" in row  # 8 of 12 questions


def test_an_incomplete_model_has_no_figure_and_the_reason_stands_beside_it(folder: Folder) -> None:
    (row,) = [line for line in str(scores_of(folder)).splitlines() if line.startswith("torn ")][:1]
    assert "1 failed; no figures without those" in row
    assert not any(character.isdigit() for character in row.split("1 failed")[0])


def test_against_one_model_the_p_value_is_the_exact_test_and_what_cannot_be_compared_is_named(folder: Folder) -> None:
    summary = scores_of(folder, "some")
    found = {one["first"]: one for one in summary.to_json()["against"]}
    assert found["all"]["p"] == pytest.approx(stats.binomtest(4, 4).pvalue)
    assert found["all"]["difference"] == pytest.approx(4 / 6)
    assert set(found) == {"all", "clip"}
    assert sorted(summary.to_json()["not_compared"]) == ["ours", "torn"]
    assert "not compared, for they are incomplete or of another prompt form: " in str(summary)


def test_a_model_that_is_not_there_is_refused_by_name(folder: Folder) -> None:
    with pytest.raises(Refused, match="has no model nobody; it has"):
        scores_of(folder, "nobody")
