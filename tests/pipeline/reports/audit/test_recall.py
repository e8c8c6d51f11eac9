"""The interval of the recall is Clopper and Pearson's."""

from __future__ import annotations

import pytest

from pipeline.reports.audit.audit import interval, recall


@pytest.mark.parametrize("found", [1, 93, 164, 10_000])
def test_where_none_was_missed_the_bound_is_known_in_closed_form(found: int) -> None:
    low, high = interval(found, 0)
    assert low == pytest.approx(0.025 ** (1 / found), rel=1e-9)
    assert high == 1.0


@pytest.mark.parametrize(("found", "missed"), [(0, 5), (1, 1), (90, 3), (999, 1)])
def test_it_is_made_of_quantiles_of_the_beta_distribution(found: int, missed: int) -> None:
    from scipy.stats import beta  # a second of loading

    low, high = interval(found, missed)
    assert low == pytest.approx(beta.ppf(0.025, found, missed + 1) if found else 0.0, rel=1e-6)
    assert high == pytest.approx(beta.ppf(0.975, found + 1, missed), rel=1e-6)
    assert low <= recall(found, missed) <= high


def test_where_every_pair_was_compared_nothing_is_estimated() -> None:
    assert interval(90, 10, whole=True) == (0.9, 0.9)


def test_of_no_pair_nothing_is_known() -> None:
    assert recall(0, 0) is None
    assert interval(0, 0) == interval(0, 0, whole=True) == (0.0, 1.0)
