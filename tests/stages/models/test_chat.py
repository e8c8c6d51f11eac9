"""Asking a server: the protocol, patience where it may help, and a sentence for everything that goes wrong."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from world.chat_server import Reply, chat_server, completion, failure, said
from world.processes import until

from manifests.errors import Refused
from stages.models import chat as client
from stages.models.chat import Chat, DraftFailed, asked_chat, chat_of

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited between tries; nobody waits them."""
    waited: list[float] = []
    monkeypatch.setattr(client, "sleep", waited.append)
    return waited


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in client.KEYS:
        monkeypatch.delenv(name, raising=False)


def why(chat: Chat) -> str:
    with pytest.raises(DraftFailed) as failed:
        chat.ask("hello")
    assert "\n" not in str(failed.value)
    return str(failed.value)


def test_words_rules_and_pictures_go_out_as_the_protocol_has_them() -> None:
    with chat_server(said("hello yourself")) as server:
        answer = Chat(server.url, "some-model").ask("hello", ["data:image/jpeg;base64,AA=="], "be brief")
    (asked,) = server.asked
    picture = {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AA=="}}
    assert answer == "hello yourself"
    assert asked.path == "/v1/chat/completions"
    assert "authorization" not in asked.headers
    assert asked.body == {
        "model": "some-model",
        "temperature": 0,
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "hello"}, picture]},
        ],
    }


def test_words_alone_are_plain_content() -> None:
    with chat_server(said("yes")) as server:
        Chat(server.url, "m").ask("hello")
    assert server.asked[0].body["messages"] == [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize("ending", ["", "/", "//", "/?api-version=1", "#top"])
def test_an_url_may_end_in_a_slash_or_carry_a_query(ending: str) -> None:
    with chat_server(said("yes")) as server:
        assert Chat(server.url + ending, "m").ask("hello") == "yes"
    assert server.asked[0].path == "/v1/chat/completions" + ("?api-version=1" if "?" in ending else "")


def test_content_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "a "}, {"type": "refusal", "refusal": "no"}, {"type": "text", "text": "door"}]
    with chat_server(completion(parts)) as server:
        assert Chat(server.url, "m").ask("hello") == "a door"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "BLINDPAIRS_DRAFT_KEY"])
def test_the_key_of_the_environment_is_sent(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f" {KEY}\n")
    with chat_server(said("yes"), key=KEY) as server:
        assert asked_chat(server.url, "m").ask("hello") == "yes"


def test_our_own_key_goes_before_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    monkeypatch.setenv("BLINDPAIRS_DRAFT_KEY", KEY)
    with chat_server(said("yes"), key=KEY) as server:
        assert asked_chat(server.url, "m").ask("hello") == "yes"


@pytest.mark.parametrize(
    "reply",
    [
        failure(401, f"Incorrect API key provided: {KEY}"),
        failure(400, f"what is {KEY}?"),
        Reply(200, f"<html>{KEY}</html>".encode()),
        completion(None),
        Reply(200, json.dumps({"choices": [], "you": KEY}).encode()),
    ],
)
def test_the_key_stands_in_no_text(reply: Reply) -> None:
    with chat_server(reply) as server:
        chat = Chat(server.url.replace("http://", "http://user:passed@") + f"?key={KEY}", "m", KEY)
        text = why(chat)
    assert KEY not in text
    assert "passed" not in text
    assert KEY not in repr(chat).replace(chat.url, "")


def test_a_key_that_no_header_can_carry_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "geheim\nschlüssel")
    with pytest.raises(Refused, match="OPENAI_API_KEY") as refused:
        chat_of("http://127.0.0.1:1/v1", "m")
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("reply", [failure(429), failure(500), failure(503), Reply(200, b"", drop=True)])
def test_what_may_pass_is_tried_three_times(pauses: list[float], reply: Reply) -> None:
    with chat_server(reply, reply, said("at last")) as server:
        assert Chat(server.url, "m").ask("hello") == "at last"
    assert len(server.asked) == 3
    assert len(pauses) == 2
    assert 0 < pauses[0] < pauses[1] <= 20


def test_the_fourth_time_never_comes(pauses: list[float]) -> None:
    with chat_server(failure(503, "overloaded"), failure(503), failure(503, "still"), said("too late")) as server:
        assert why(Chat(server.url, "m")) == f"{server.url} answered 503: still"
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 302])
def test_what_will_not_pass_is_asked_once(pauses: list[float], status: int) -> None:
    with chat_server(failure(status, "that is not so")) as server:
        assert f"answered {status}: that is not so" in why(Chat(server.url, "m"))
    assert len(server.asked) == 1
    assert pauses == []


@pytest.mark.parametrize(("header", "waited"), [("7", 7), ("0", 0), ("3600", 20), ("soon", 1)])
def test_the_server_says_how_long_to_wait_up_to_a_bound(pauses: list[float], header: str, waited: float) -> None:
    with chat_server(failure(429, headers={"Retry-After": header}), said("yes")) as server:
        Chat(server.url, "m").ask("hello")
    assert pauses == [waited]


def test_the_server_may_say_it_as_a_date(pauses: list[float]) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=15), usegmt=True)
    with chat_server(failure(503, headers={"Retry-After": then}), said("yes")) as server:
        Chat(server.url, "m").ask("hello")
    assert 5 < pauses[0] <= 15


def test_no_server_is_said_so(pauses: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        assert why(Chat(url, "m")).startswith(f"{url} cannot be reached: ")
    assert len(pauses) == 2


def test_a_wrong_path_and_a_missing_key_say_what_to_look_at() -> None:
    with chat_server(key="another") as server:
        assert "set BLINDPAIRS_DRAFT_KEY to its key" in why(Chat(server.url, "m"))
        assert "often ends in /v1" in why(Chat(server.url.removesuffix("/v1"), "m"))


def test_what_a_server_says_is_cut_and_made_plain() -> None:
    with chat_server(failure(400, "\x1b[31mred\n" + "x" * 1000)) as server:
        text = why(Chat(server.url, "m"))
    assert "\x1b" not in text
    assert len(text.removeprefix(server.url)) < 230


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"{}", b'{"choices": []}', b"null", b"\xff\xfe", b'"text"'])
def test_a_reply_that_is_no_completion_is_said_so(body: bytes) -> None:
    with chat_server(Reply(200, body)) as server:
        assert "no words of a chat completion" in why(Chat(server.url, "m"))
    assert len(server.asked) == 1


@pytest.mark.parametrize("content", [None, "", "  \n", [], [{"type": "image"}], 5, {"text": "x"}])
def test_a_message_without_words_is_said_so(content: object) -> None:
    with chat_server(completion(content)) as server:
        assert "no words of a chat completion" in why(Chat(server.url, "m"))


def test_half_a_surrogate_pair_does_not_come_through() -> None:
    with chat_server(said("caf\ud83d")) as server:
        assert Chat(server.url, "m").ask("hello") == "caf?"


def test_a_reply_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_BYTES", 1000)
    with chat_server(Reply(200, b"x" * 100_000)) as server:
        assert "more than 1,000 bytes" in why(Chat(server.url, "m"))


def test_a_reply_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the client's clock a piece takes longer than all of a reply may; by the network's it comes at once."""
    looks = itertools.count(0, client.TIMEOUT_S + 1)
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: next(looks)))
    with chat_server(Reply(200, b"x" * 1000)) as server:
        assert "did not answer within" in why(Chat(server.url, "m"))
    assert len(server.asked) == 1


def test_a_server_that_is_silent_is_not_waited_for_and_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", 0.2)
    over = threading.Event()
    with chat_server(Reply(200, b"x", before=over.wait)) as server:
        assert "did not answer within" in why(Chat(server.url, "m"))
        until(lambda: server.asked)
        over.set()
    assert (len(server.asked), pauses) == (1, [])


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with chat_server(said("yes")) as server:
        assert Chat(server.url, "m").ask("hello") == "yes"


def test_no_words_name_no_chat_and_half_of_them_are_refused() -> None:
    assert chat_of(None, None) is None
    for url, model in (("http://h/v1", None), (None, "m"), ("", "m"), ("http://h/v1", "")):
        with pytest.raises(Refused, match="--model NAME"):
            chat_of(url, model)
    with pytest.raises(Refused, match="name the server and the model"):
        asked_chat(None, None)


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "ftp://host/v1", "file:///etc/passwd", "http://", "http://h:x/"])
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="--draft: "):
        chat_of(url, "m")
