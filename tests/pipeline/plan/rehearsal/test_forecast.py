"""The forecast of embedding: hours and money by hand, for people and for programs."""

from __future__ import annotations

import pytest

from pipeline.config.settings import Prices
from pipeline.plan.rehearsal.forecast import EmbeddingForecast
from pipeline.plan.rehearsal.pace import Pace
from pipeline.plan.rehearsal.rehearse import Rehearsal

ON_CPU = Rehearsal(Pace(2.0, 4, "float32 on CPU", 80, 6, 18.0, 0.012), gpus=0, cores=4, decode_s=0.005)
ON_GPUS = Rehearsal(Pace(1000.0, 4, "bfloat16 on NVIDIA H100", 8192, 6, 8.0, 0.01), gpus=2, cores=16, decode_s=0.004)
BOUND = Rehearsal(Pace(0.5, 2, "float32 on CPU", 2, 2, 4.0, None, warm_up_only=True), gpus=0, cores=2, decode_s=0.005)


def test_hours_and_core_hours_on_a_cpu() -> None:
    found = EmbeddingForecast(36_000, ON_CPU, Prices())
    assert (found.seconds, found.unit_hours) == (18_000.0, 20.0)  # 36,000 / 2 a second = 5 h, on 4 cores
    told = str(found)
    assert "rate         2 images a second by 4 workers in float32 on CPU (80 images, 18 s, +- 1.2 %)" in told
    assert "36,000 / 2 = 5.0 h on this machine" in told
    assert "core-hours   5 h x 4 = 20; say prices.core_hour=... for money" in told
    assert "GPU" not in told


def test_money_where_there_is_a_price() -> None:
    found = EmbeddingForecast(36_000, ON_CPU, Prices(core_hour=0.05, gpu_hour=99))
    assert found.money == pytest.approx(1.0)
    assert "20 x 0.05 (prices.core_hour) = 1.00" in str(found)


def test_gpus_here_and_elsewhere() -> None:
    found = EmbeddingForecast(7_200_000, ON_GPUS, Prices(gpu_hour=2.5, core_hour=99))
    assert found.unit_hours == pytest.approx(4.0)  # 2 hours on 2 of them
    assert [found.gpu_seconds(gpus) for gpus in (1, 8, 64)] == [14_400.0, 1_800.0, 225.0]
    assert found.money == pytest.approx(10.0)
    told = str(found)
    assert "4.0 h on 1, 30.0 min on 8, 3.8 min on 64" in told
    assert "each at 500 images a second" in told
    assert "GPU-hours    2 h x 2 = 4; 4 x 2.5 (prices.gpu_hour) = 10.00" in told
    assert "4 ms of a core an image: 25.0% of the cores at this rate" in told


def test_of_a_corpus_whose_size_is_open_each_million_is_said() -> None:
    found = EmbeddingForecast(None, ON_GPUS, Prices())
    assert found.seconds == 1000.0
    assert str(found).startswith("embedding of a million images, for how many there are is open")
    assert (found.to_json()["images"], found.to_json()["forecast_for"]) == (None, 1_000_000)


def test_a_program_reads_the_same_numbers() -> None:
    told = EmbeddingForecast(36_000, ON_CPU, Prices(core_hour=0.05)).to_json()
    assert (told["measured"]["images_per_second"], told["measured"]["workers"]) == (2.0, 4)
    assert (told["core_hours"], told["price_core_hour"], told["money"]) == (20.0, 0.05, pytest.approx(1.0))
    assert told["seconds_on_gpus"] is None
    on_gpus = EmbeddingForecast(7_200_000, ON_GPUS, Prices()).to_json()
    assert (on_gpus["gpu_hours"], on_gpus["money"]) == (4.0, None)
    assert on_gpus["seconds_on_gpus"] == {"1": 14_400.0, "8": 1_800.0, "64": 225.0}


def test_a_rate_of_warm_up_alone_is_said_to_be_a_bound() -> None:
    assert "it will take no longer than this says" in str(EmbeddingForecast(10, BOUND, Prices()))


def test_few_images_cost_less_than_is_worth_a_figure() -> None:
    told = str(EmbeddingForecast(5, ON_CPU, Prices(core_hour=0.05)))
    assert "core-hours   under 0.01\n" in told
    assert "embedding of 1 image " in str(EmbeddingForecast(1, ON_CPU, Prices()))
