"""Cost: the arithmetic is that of the search that runs, and rates are those of this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.counts import Counts
from manifests.shard import Receipt
from pipeline.config.loading import read_config
from pipeline.plan import search as forecasting
from pipeline.plan.figures import count_text, duration, share_text, size
from pipeline.plan.search import Forecast, forecast
from stages.search import cost
from stages.search.calibration import Rates, calibrated
from stages.search.methods import first_look, pace, products
from stages.search.methods.base import Places
from stages.search.methods.pace import Reaching
from stages.search.tiles import tiles

RATES = Rates(sketches=1.4e-9, vectors=2.4e-8, score=1e-5, sketch=5e-6)
LAION = cost.Search(12_000_000, 768, 1024, 31, 1.1e-5, 2.7e-7, 65536)


@given(st.integers(0, 2_000_000), st.integers(1, 100_000))
def test_tiles_and_comparisons_are_those_that_are_planned(images: int, block_rows: int) -> None:
    search = replace(LAION, images=images, block_rows=max(block_rows, images // 40))
    planned = tiles([Receipt("all", images, 0, Counts(images, images))], search.block_rows)
    assert search.tiles == len(planned)
    assert search.comparisons == images * (images - 1) // 2
    assert all(stop - start <= search.rows for task in planned for start, stop in [task.facts["left"]])


def test_more_workers_take_their_share_and_more_images_the_square() -> None:
    one, two = (cost.exact(LAION, RATES, workers) for workers in (1, 2))
    assert one.comparisons == 2 * two.comparisons
    assert one.comparisons == pytest.approx(12e6**2 / 2 * 1.4e-9, rel=1e-6)
    twice = cost.exact(replace(LAION, images=24_000_000), RATES, 1)
    assert twice.comparisons == pytest.approx(4 * one.comparisons, rel=1e-6)


def test_a_gpu_s_share_is_two_operations_a_number() -> None:
    assert cost.gpu_product(LAION, 8, 150) == pytest.approx(12e6**2 / 2 * 2 * 32 / (8 * 150e12), rel=1e-6)
    assert replace(LAION, directions=32).gpu_numbers == 64


@pytest.mark.parametrize("reaching", [products.reaching, first_look.reaching])
def test_rates_are_measured_by_the_products_that_are_to_come(reaching: Reaching) -> None:
    asked = []

    def watched(*words: Any) -> Iterator[Places]:
        asked.append((words[0].shape, words[1].shape))
        yield from reaching(*words)

    rates = calibrated(1, (64, 96), 12, watched)
    assert set(asked) == {((4096, 12), (4096, 12))}
    assert all(0 < rate < 1 for rate in asdict(rates).values())


def test_a_plan_reckons_with_the_first_look_where_tiles_are_large_enough_for_it(monkeypatch: Any) -> None:
    monkeypatch.setattr(pace, "first_look_is_faster", lambda numbers, threads: True)
    monkeypatch.setattr(forecasting, "calibrated", lambda *words: (getattr(words[3], "func", words[3]), words[2]))
    assert forecasting._rates(LAION, 2, 0.95) == (first_look.reaching, 32)
    assert forecasting._rates(replace(LAION, images=100), 2, 0.95) == (products.reaching, 32)


def test_exact_is_chosen_for_clip_and_flat_where_sketches_prune_nothing() -> None:
    assert Forecast(LAION, RATES, 2, False, 0.5).chosen == "exact"
    poor = replace(LAION, directions=767, surviving=0.5)
    assert Forecast(poor, RATES, 2, True, 0.5).chosen == "flat"


@pytest.mark.slow
def test_a_forecast_says_what_it_assumed_and_reads_as_json() -> None:
    config = read_config("mmvp", ["images.sources.0.uri=/x/{0..3}.tar", "workers.search.count=1"], None)
    told = forecast(config, {}, 1_280_000)
    assert "assumed" in str(told)
    assert "8.19e+11" in str(told)
    value = json.loads(json.dumps(told.to_json()))
    assert (value["images"], value["vectors_known"], value["workers"], value["method"]) == (
        1_280_000,
        False,
        1,
        "exact",
    )


def test_durations_and_sizes_come_in_a_person_s_units() -> None:
    assert [duration(s) for s in (4e-7, 0.0123, 5, 89, 91, 7000, 3e6)] == [
        "under 0.01 s",
        "0.012 s",
        "5 s",
        "89 s",
        "1.5 min",
        "1.9 h",
        "34.7 days",
    ]
    assert [size(b) for b in (0, 12, 3 << 10, 2.5 * (1 << 20), 3 << 30, 4 << 40)] == [
        "0 bytes",
        "12 bytes",
        "3.0 KiB",
        "2.5 MiB",
        "3.0 GiB",
        "4.0 TiB",
    ]
    assert [share_text(share) for share in (0, 1.1e-5, 0.0123)] == ["none", "1 in 91,000", "1.2 %"]
    assert [count_text(count) for count in (10, 999_999, 72_000_000_000_000)] == ["10", "999,999", "7.2e+13"]


def test_a_forecast_of_few_images_has_whole_words_one_system_of_units_and_no_gpus() -> None:
    told = str(Forecast(replace(LAION, images=5), RATES, 1, False, 0.5))
    assert "1 block of 256 -> 1 tile\n" in told
    assert "5 x 4 / 2 = 10\n" in told
    assert "by exact with 1 worker of this machine" in told
    assert "workers.search.vectors allows (0.5 GiB)" in told
    assert not re.search(r"e-\d|\d [kMGT]B|GPU", told)


def test_a_forecast_of_many_images_says_what_gpus_would_take() -> None:
    assert "workers.search.vectors 14 (GiB)" in str(Forecast(LAION, RATES, 2, False, 0.5))
