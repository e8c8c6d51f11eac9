"""Pauses before a question is asked again: how long, and until when; nobody waits them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from world.chat_server import Reply, chat_server, failure, said
from world.server_models import FakeTime, asked, questions, server_model


def waits(*replies: Reply, chance: float = 1.0, **settings: float) -> list[float]:
    """The seconds between the tries of one question."""
    time = FakeTime(chance)
    with chat_server(*replies) as server:
        asked(server_model(server.url, time=time, **settings), questions(1))
    assert len(server.asked) == len(time.waited) + 1
    return time.waited


def test_pauses_double_up_to_a_minute_until_the_deadline() -> None:
    assert waits(failure(500), deadline_s=200) == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waits(failure(500), deadline_s=0.5) == []


def test_pauses_are_drawn_between_nothing_and_the_longest() -> None:
    assert waits(failure(500), chance=0.25, deadline_s=5) == [0.25, 0.5, 1, 2]
    assert waits(*[failure(500)] * 3, said("A"), chance=0.0) == [0, 0, 0]


@pytest.mark.parametrize("status", [429, 503])
def test_the_server_says_how_long_to_wait(status: int) -> None:
    assert waits(failure(status, headers={"Retry-After": "77"}), said("A")) == [77]
    assert waits(failure(status, headers={"Retry-After": "0"}), said("A")) == [1]
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    (waited,) = waits(failure(status, headers={"Retry-After": then}), said("A"))
    assert 100 < waited <= 300


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    assert waits(failure(429, headers={"Retry-After": "3600"}), said("A"), deadline_s=900) == []
