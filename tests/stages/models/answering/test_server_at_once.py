"""Many requests at once: how many, and when no more; no pause of these tests takes any time."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from world.chat_server import Asked, Reply, chat_server, failure, said
from world.processes import PATIENCE_S, until
from world.server_models import asked, questions, reply_of, server_model

from manifests.errors import Refused
from stages.models.answering.base import NoReply
from stages.models.answering.servers.clock import Clock
from stages.models.answering.servers.in_flight import InFlight, Stopped
from stages.models.chat_protocol import retry_after_s

HOUR = {"Retry-After": "3600"}


@dataclass
class Counting:
    """Counts the requests that a server has at once; the first `together` wait for one another."""

    together: int
    at_once: int = 0
    most: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _full: threading.Event = field(default_factory=threading.Event)

    def __call__(self, one: Asked) -> Reply:
        with self._turn:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            if self.at_once == self.together:
                self._full.set()
        assert self._full.wait(PATIENCE_S)
        with self._turn:
            self.at_once -= 1
        return said(one.words)


@pytest.mark.parametrize(("in_flight", "count"), [(1, 5), (6, 40), (40, 6)])
def test_so_many_requests_are_under_way_as_the_settings_say_and_no_more(in_flight: int, count: int) -> None:
    counting = Counting(min(in_flight, count))
    with chat_server(to=counting) as server:
        found = asked(server_model(server.url, in_flight=in_flight), questions(count))
    assert counting.most == min(in_flight, count)
    assert {place: reply.response for place, reply in found.replies.items()} == {
        place: question.words for place, question in enumerate(questions(count))
    }


def test_nothing_is_asked_twice_but_what_failed() -> None:
    failed = set[str]()

    def reply(one: Asked) -> Reply:
        if one.words[9] == "7" and one.words not in failed:  # Question 7, and 70 to 79
            failed.add(one.words)
            return failure(503)
        return said("A")

    with chat_server(to=reply) as server:
        found = asked(server_model(server.url, in_flight=8), questions(80))
    assert sorted(found.replies) == list(range(80))
    counts = Counter(one.words for one in server.asked)
    assert len(failed) == 11
    assert counts == {one.words: 1 + (one.words in failed) for one in questions(80)}


def test_too_many_requests_are_halved_once_for_all_that_were_sent_together() -> None:
    together, seen = Counting(8), list[int]()

    def reply(one: Asked) -> Reply:
        if len(seen) < 8:
            seen.append(8)
            together(one)
            return failure(429)
        seen.append(model.asker.in_flight.allowed)
        return said("A")

    with chat_server(to=reply) as server:
        model = server_model(server.url, in_flight=8, stop_after=1)
        found = asked(model, questions(24))
    assert len(found.replies) == 24
    assert seen[8] == 4  # and not 1, as if each 429 had halved it
    assert max(seen[8:]) > 4
    assert len(server.asked) == 24 + 8


def test_a_limit_is_halved_down_to_one_and_grows_by_one_after_as_many_successes_as_it_allows() -> None:
    limit, stopped = InFlight(8), threading.Event()
    for expected in (4, 2, 1, 1):
        with limit.slot(stopped) as sent:
            limit.halve(sent)
            limit.halve(sent)  # another that was sent before the limit was halved
        assert limit.allowed == expected
    grown = []
    for _ in range(40):
        limit.succeed()
        grown.append(limit.allowed)
    assert [grown.index(allowed) + 1 for allowed in range(2, 9)] == [1, 3, 6, 10, 15, 21, 28]
    assert max(grown) == 8
    limit.stop(stopped)
    with pytest.raises(Stopped), limit.slot(stopped):
        raise AssertionError("it was stopped")


@pytest.mark.parametrize(("reply", "error"), [(failure(500, "broken"), NoReply), (failure(400, "odd"), Refused)])
@pytest.mark.parametrize("in_flight", [1, 4])
def test_the_first_requests_that_all_fail_alike_stop_everything(
    reply: Reply, error: type[Exception], in_flight: int
) -> None:
    with chat_server(reply) as server:
        found = asked(server_model(server.url, stop_after=5, in_flight=in_flight), questions(60))
    assert type(found.error) is error
    assert found.why.startswith("stopped after 5 failed requests and none that succeeded: ")
    assert found.why.endswith(str(reply.body.decode().split('"')[5]))
    assert found.replies == {}  # nothing is kept of a server that was set up wrongly
    assert 5 <= len(server.asked) < 5 + in_flight


def test_failures_that_differ_or_come_after_a_success_do_not_stop() -> None:
    with chat_server(to=lambda one: failure(400, one.words)) as server:
        found = asked(server_model(server.url, stop_after=3), questions(6))
    assert [found.replies[place].status for place in range(6)] == ["failed"] * 6
    with chat_server(failure(400), said("A"), failure(400)) as server:
        found = asked(server_model(server.url, stop_after=2), questions(6))
    assert [found.replies[place].status for place in range(6)] == ["failed", "ok", *["failed"] * 4]
    assert found.error is None


def test_fewer_questions_than_that_fail_one_by_one() -> None:
    with chat_server(failure(400)) as server:
        found = asked(server_model(server.url, stop_after=8), questions(3))
    assert [found.replies[place].status for place in range(3)] == ["failed"] * 3
    assert found.error is None


@pytest.mark.parametrize("how", ["closed", "raised"])
def test_who_stops_listening_stops_what_was_not_sent(how: str) -> None:
    release = threading.Event()

    def reply(one: Asked) -> Reply:
        if "Question 0" not in one.words:
            assert release.wait(PATIENCE_S)
        return said("A")

    with chat_server(to=reply) as server:
        replies = server_model(server.url, in_flight=3).replies(questions(50), likelihood=False)
        if how == "closed":
            assert next(replies)[0] == 0
            replies.close()
        else:
            with pytest.raises(KeyError):
                {}[next(replies)[0]]
            del replies
        release.set()
        until(lambda: not [one for one in threading.enumerate() if one.name == "ask"])
        assert len(server.asked) <= 4  # the first, and what was under way


def test_a_question_that_waits_to_be_asked_again_stops_waiting() -> None:
    """By the real clock: the server's pause is longer than any test takes."""
    with chat_server(to=lambda one: said("A") if "Question 0" in one.words else failure(503, headers=HOUR)) as server:
        model = server_model(server.url, in_flight=2, deadline_s=9000)
        model = replace(model, asker=replace(model.asker, clock=Clock()))
        replies = model.replies(questions(2), likelihood=False)
        assert next(replies)[0] == 0
        replies.close()
        until(lambda: not [one for one in threading.enumerate() if one.name == "ask"])


def test_an_error_of_this_program_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(said("A")) as server:
        model = server_model(server.url, in_flight=4)
        monkeypatch.setattr("stages.models.answering.servers.asking.completion_of", lambda body: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reply_of(model)
        assert isinstance(asked(model, questions(20)).error, ZeroDivisionError)


def test_no_questions_are_no_replies() -> None:
    with chat_server(said("A")) as server:
        assert asked(server_model(server.url), []).replies == {}
    assert server.asked == []


@pytest.mark.parametrize("header", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Wed, 99 Foo 9999", "", "-1"])
def test_a_time_to_wait_that_is_none_is_no_time(header: str) -> None:
    assert retry_after_s(header) is None
