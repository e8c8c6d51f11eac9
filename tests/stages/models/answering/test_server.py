"""What goes wrong with a server: asked again, no reply, or stopped at once, with a sentence that shows no key."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from dataclasses import replace

import pytest
from world.chat_server import Reply as Sent
from world.chat_server import chat_server, completion, failure, said
from world.server_models import KEY, FakeTime, asked, questions, reply_of, server_model

from manifests.errors import Refused
from stages.models.answering.base import NoReply
from stages.models.answering.servers import endpoint
from stages.models.answering.servers.clock import Clock


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


HTML = Sent(200, b"<html><body>Bad gateway</body></html>")
HALF = Sent(200, completion("A").body[:40])
EMPTY = Sent(200, b'{"choices": []}')
ERROR = Sent(200, b'{"error": {"message": "overloaded"}}')


@pytest.mark.parametrize(
    "reply",
    [
        *(failure(status) for status in (408, 429, 500, 502, 503)),
        *(
            HTML,
            HALF,
            EMPTY,
            ERROR,
            Sent(200, b""),
            Sent(200, b"null"),
            completion(None),
            completion("It", finish="error"),
        ),
        Sent(200, b"", drop=True),
    ],
)
def test_what_may_pass_is_asked_again_and_is_no_answer(reply: Sent) -> None:
    with chat_server(reply, reply, reply, said("A")) as server:
        assert reply_of(server_model(server.url)).response == "A"
    assert len(server.asked) == 4
    with chat_server(reply) as server:
        found = asked(server_model(server.url, deadline_s=30), questions(1))
    assert found.replies == {}
    assert isinstance(found.error, NoReply)
    assert found.why.startswith(f"1 question, such as q0, got no reply: {server.url}")
    assert "\n" not in found.why


def test_an_empty_reply_is_believed_when_it_came_three_times() -> None:
    with chat_server(completion("", usage=(9, 1))) as server:
        reply = reply_of(server_model(server.url))
    assert (reply.response, reply.status, reply.tokens_out) == ("", "ok", 1)
    assert len(server.asked) == 3


def test_the_others_are_yielded_before_it_is_said_that_one_has_no_reply() -> None:
    with chat_server(to=lambda one: failure(500, "broken") if "Question 3" in one.words else said("A")) as server:
        found = asked(server_model(server.url, in_flight=4, deadline_s=5), questions(9))
    assert sorted(found.replies) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert found.why == f"1 question, such as q3, got no reply: {server.url} answered 500: broken"


def test_no_server_is_said_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        found = asked(server_model(url, stop_after=4, in_flight=2), questions(5))
    assert isinstance(found.error, NoReply)
    assert found.why.startswith(f"stopped after 4 failed requests and none that succeeded: {url} cannot be reached")


@pytest.mark.parametrize("silent", ["before the headers", "after the headers"])
def test_a_server_that_is_silent_is_not_waited_for(silent: str) -> None:
    """It is held until the client has given up, so the shortest time will do."""
    over = threading.Event()
    held = Sent(200, b"x", before=over.wait) if silent == "after the headers" else None
    with chat_server(to=lambda _: held or (over.wait(), said("A"))[1]) as server:
        found = asked(server_model(server.url, timeout_s=0.2, stop_after=2), questions(1))
        over.set()
    assert found.why.endswith(f"{server.url} did not answer within 0.2 s")
    assert isinstance(found.error, NoReply)


def test_a_reply_that_drips_is_not_waited_for() -> None:
    """By the client's clock a piece takes longer than all of a reply may; by the network's it comes at once."""
    looks = itertools.count(0, 121)
    with chat_server(Sent(200, b"x" * 1000)) as server:
        model = server_model(server.url, timeout_s=120, deadline_s=1e6, stop_after=1)
        model = replace(model, asker=replace(model.asker, clock=Clock(lambda: next(looks), FakeTime().clock().wait)))
        found = asked(model, questions(2))
    assert found.why.endswith("did not answer within 120 s")
    assert len(server.asked) == 1


def test_a_reply_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MAX_BYTES", 1000)
    with chat_server(Sent(200, b"x" * 100_000)) as server:
        assert "more than 1,000 bytes" in asked(server_model(server.url, deadline_s=1), questions(1)).why


@pytest.mark.parametrize(
    ("reply", "remedy"),
    [
        (failure(401, "no key"), "set OPENAI_API_KEY to the server's key"),
        (failure(403, "no"), "set OPENAI_API_KEY to the server's key"),
        (failure(404, "no such model"), "check the URL (it often ends in /v1) and the model"),
        (failure(405), "check the URL"),
        (Sent(301, b"", {"Location": "https://elsewhere"}), "check the URL"),
        (failure(402, "Insufficient Balance"), "account"),
        (failure(429, "You exceeded your quota.", code="insufficient_quota"), "account"),
    ],
)
def test_what_every_question_would_get_stops_at_once(reply: Sent, remedy: str) -> None:
    with chat_server(said("A"), reply) as server:
        found = asked(server_model(server.url), questions(6))
    assert isinstance(found.error, Refused)
    assert found.why.startswith(f"{server.url} answered {reply.status}")
    assert remedy in found.why
    assert len(server.asked) == 2
    assert sorted(found.replies) == [0]


def test_a_wrong_key_is_said_to_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server(key="another") as server, pytest.raises(Refused, match="check the key in OPENAI_API_KEY"):
        reply_of(server_model(server.url))


@pytest.mark.parametrize(
    "reply",
    [
        *(failure(status, f"Incorrect API key provided: {KEY}") for status in (400, 401, 404, 429, 500)),
        failure(400, KEY, code="content_filter"),
        Sent(200, f"<html>{KEY}</html>".encode()),
        Sent(200, json.dumps({"choices": [], "you": KEY}).encode()),
    ],
)
def test_the_key_stands_in_no_text(reply: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server(reply) as server:
        model = server_model(f"{server.url}?secret={KEY}", deadline_s=1)
        found = asked(model, questions(1))
    assert found.error or found.replies[0].error
    assert KEY not in f"{found} {found.error!r} {found.error} {found.error and found.error.__cause__!r}"
    assert KEY not in f"{model.computed} {model.asker.endpoint!r}".replace(f"?secret={KEY}", "")
