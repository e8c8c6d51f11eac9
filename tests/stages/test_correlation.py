"""Correlations over categories, against SciPy, against the paper's figures, and in what must always hold."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from stages.correlation import correlation, correlation_of_groups

# "Eyes Wide Shut?" (arXiv 2401.06209), figure 6, in percent, in the figure's order: colour, state, structural,
# viewpoint, presence, quantity, positional, text, orientation. CLIP's curve is the mean of three rows of table 1.
CLIP = (46.7, 33.3, 22.2, 22.2, 20.0, 15.6, 11.1, 8.9, 6.7)
ANSWERED = {
    "LLaVA-1.5": ((69.2, 26.7, 23.5, 16.7, 33.3, 18.2, 26.1, 0, 0), 0.87),
    "Gemini": ((69.2, 53.3, 33.3, 27.3, 44.2, 27.3, 39.1, 50, 16.7), 0.72),
    "GPT-4": ((69.2, 33.3, 41.2, 16.7, 50, 27.3, 43.5, 75, 8.3), 0.31),
}
SHARES = st.lists(st.integers(0, 15), min_size=3, max_size=7)


@pytest.mark.parametrize("model", ANSWERED)
def test_the_papers_correlations_over_nine_patterns(model: str) -> None:
    values, published = ANSWERED[model]
    found = correlation(CLIP, values)
    assert found.categories == 9
    assert found.pearson is not None
    assert round(found.pearson.value, 2) == published
    assert found.exact


@given(SHARES, st.randoms())
def test_both_coefficients_are_scipys(left: list[int], dice) -> None:
    right = [dice.randrange(16) for _ in left]
    assume(len(set(left)) > 1 and len(set(right)) > 1)
    found = correlation(left, right)
    assert found.pearson is not None
    assert found.spearman is not None
    assert found.pearson.value == pytest.approx(stats.pearsonr(left, right).statistic, abs=1e-9)
    assert found.spearman.value == pytest.approx(stats.spearmanr(left, right).statistic, abs=1e-9)


def test_the_p_value_counts_every_pairing() -> None:
    left, right = (1.0, 2.0, 3.0, 5.0, 8.0), (2.0, 1.0, 4.0, 3.0, 7.0)
    at_least = [
        abs(np.corrcoef(left, one)[0, 1]) >= abs(np.corrcoef(left, right)[0, 1]) - 1e-9 for one in permutations(right)
    ]
    found = correlation(left, right).pearson
    assert found is not None
    assert found.p == pytest.approx(np.mean(at_least))


@pytest.mark.parametrize(("left", "right"), [((1, 1, 1), (1, 2, 3)), ((1, 2), (2, 1)), ((), ())])
def test_a_constant_side_or_two_categories_have_no_coefficient(left: tuple, right: tuple) -> None:
    found = correlation(left, right)
    assert found.pearson is None
    assert found.spearman is None


def test_groups_are_redrawn_within_categories_and_one_that_a_model_was_not_asked_is_left_out() -> None:
    dice = np.random.default_rng(7)
    categories = [
        [((int(dice.random() < 0.1 * n), 1), (int(dice.random() < 0.1 * n), 1)) for _ in range(60)] for n in range(1, 9)
    ]
    found = correlation_of_groups([*categories, [((1, 1), (0, 0))]])
    assert found.categories == 8
    assert found.pearson is not None
    assert found.pearson.interval is not None
    low, high = found.pearson.interval
    shares = [[np.mean([one[side][0] for one in groups]) for groups in categories] for side in (0, 1)]
    assert found.pearson.value == pytest.approx(stats.pearsonr(*shares).statistic)
    assert -1 <= low < found.pearson.value < high <= 1
