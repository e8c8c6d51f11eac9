"""Pace: which shards count, and what they say together, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from pipeline.plan.rehearsal.pace import Beat, pace_of, warmed_up_at


def beats(*told: tuple[str, float, int]) -> list[Beat]:
    """(worker, when, images) -> beats, in the order they were heard of."""
    return [Beat(worker, at, images, 2.0, "float32 on CPU") for worker, at, images in sorted(told, key=lambda t: t[1])]


def test_the_first_shard_of_a_worker_does_not_count() -> None:
    pace = pace_of(beats(("a", 100.0, 10), ("a", 102.0, 10), ("a", 104.0, 10)))
    assert (pace.rate, pace.images, pace.shards, pace.workers, pace.seconds) == (5.0, 20, 2, 1, 4.0)
    assert not pace.warm_up_only


def test_the_rates_of_workers_add_up_though_their_shards_end_at_odd_times() -> None:
    a = [("a", 10.0, 8), ("a", 12.0, 8), ("a", 14.0, 8)]  # 4 a second
    b = [("b", 11.0, 8), ("b", 15.0, 8)]  # 2 a second
    assert pace_of(beats(*a, *b)).rate == pytest.approx(6.0)


def test_what_a_worker_made_while_another_was_still_setting_up_does_not_count() -> None:
    alone = [("a", 10.0, 8), ("a", 11.0, 8), ("a", 12.0, 8)]
    both = [("a", 14.0, 8), ("b", 12.0, 8), ("b", 14.0, 8)]
    heard = beats(*alone, *both)
    assert warmed_up_at(heard) == 12.0
    assert pace_of(heard).rate == pytest.approx(4.0 + 4.0)


def test_a_long_shard_that_began_just_before_the_last_worker_came_counts() -> None:
    heard = beats(("a", 10.0, 1), ("b", 10.3, 1), ("a", 16.0, 1), ("b", 16.3, 1))
    assert pace_of(heard).rate == pytest.approx(2 / 6)


def test_small_shards_beside_large_ones_do_not_count() -> None:
    heard = beats(("a", 0.0, 1), ("a", 1.0, 1), ("a", 2.0, 10), ("a", 3.0, 40), ("a", 4.0, 40))
    assert (pace_of(heard).images, pace_of(heard).rate) == (90, 30.0)


def test_a_worker_of_which_nothing_counts_yet_is_taken_to_be_like_the_others() -> None:
    assert pace_of(beats(("a", 10.0, 8), ("b", 10.0, 8), ("a", 12.0, 8))).rate == pytest.approx(8.0)


def test_nothing_but_warm_up_is_a_lower_bound_and_says_so() -> None:
    pace = pace_of(beats(("a", 10.0, 1), ("b", 11.0, 1)))
    assert (pace.rate, pace.warm_up_only, pace.error) == (1.0, True, None)  # 2 seconds each, as the workers say


def test_the_error_is_that_of_the_mean_of_shards() -> None:
    heard = beats(("a", 0.0, 1), ("a", 1.0, 10), ("a", 4.0, 10))  # 0.1 and 0.3 s an image: 0.2 +- half
    assert pace_of(heard).error == pytest.approx(0.5)
    assert pace_of(beats(("a", 0.0, 1), ("a", 1.0, 10))).error is None
