"""A server with OpenAI's chat protocol: what is sent, what its replies mean, and a sentence for what goes wrong."""

from __future__ import annotations

import base64
import itertools
import json
import math
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from world.chat_server import Reply as Sent
from world.chat_server import chat_server, completion, failure, said, top
from world.pictures import every_format, jpeg
from world.server_models import KEY, FakeTime, asked, questions, reply_of, server_model

from manifests.errors import Refused
from stages.base import Machine
from stages.models.answering.base import Generation, NoReply, Reply, load
from stages.models.answering.server import check_server, money
from stages.models.answering.servers import endpoint
from stages.models.answering.servers.clock import Clock
from stages.models.answering.servers.request import data_url
from stages.models.answering.settings import Server

LATER = "http://127.0.0.1:1/v1"  # where nobody listens


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def body_of(question: Any = None, *, likelihood: bool = False, **settings: Any) -> dict[str, Any]:
    """What a server is sent."""
    reply = completion("A", logprobs=top(("A", -0.1)))
    with chat_server(reply) as server:
        reply_of(server_model(server.url, **settings), question, likelihood=likelihood)
    return server.asked[0].body


# what is sent


def test_a_question_is_its_image_as_it_is_then_its_words_after_a_system_message() -> None:
    image = jpeg(1)
    question = replace(questions(1)[0], image=image, system="Be brief.")
    url = "data:image/jpeg;base64," + base64.b64encode(image).decode()
    assert body_of(question, most=16) == {
        "model": "made-up",
        "max_tokens": 16,
        "temperature": 0.0,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": url}},
                    {"type": "text", "text": "Question 0: A or B?"},
                ],
            },
        ],
    }


def test_words_alone_are_plain_content() -> None:
    assert body_of()["messages"] == [{"role": "user", "content": "Question 0: A or B?"}]


def test_the_longest_reply_is_called_what_the_server_calls_it() -> None:
    body = body_of(token_limit="max_completion_tokens", most=7)
    assert body["max_completion_tokens"] == 7
    assert "max_tokens" not in body


def test_a_random_reply_has_a_seed_of_its_own_question_and_a_greedy_one_none() -> None:
    first, second = questions(2)
    seeds = [body_of(one, temperature=0.2, seed=5)["seed"] for one in (first, first, second)]
    assert seeds[0] == seeds[1] != seeds[2]
    assert body_of(first, temperature=0.2, seed=6)["seed"] != seeds[0]
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert "seed" not in body_of(first)


def test_the_options_letters_alone_are_allowed_in_either_way() -> None:
    question = questions(1, letters=("(a)", "(b)"))[0]
    assert body_of(question, structured="vllm")["structured_outputs"] == {"choice": ["(a)", "(b)"]}
    asked_for = body_of(question, structured="json_schema")["response_format"]
    assert asked_for["type"] == "json_schema"
    assert asked_for["json_schema"]["strict"] is True
    assert asked_for["json_schema"]["schema"] == {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": ["(a)", "(b)"]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    assert not {"structured_outputs", "response_format"} & set(body_of(question))


def test_likelihoods_are_asked_for_as_one_token_and_its_20_alternatives_not_restricted() -> None:
    body = body_of(likelihood=True, structured="vllm", temperature=0.7, token_limit="max_completion_tokens")
    del body["model"], body["messages"]
    assert body == {"max_completion_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}


def test_the_media_type_is_read_from_the_bytes() -> None:
    kinds = {data_url(data).split(";")[0] for data in every_format().values()}
    assert {"data:image/jpeg", "data:image/png", "data:image/webp", "data:image/gif", "data:image/tiff"} <= kinds


def test_an_image_that_is_none_fails_its_question_and_is_not_sent() -> None:
    with chat_server(said("A")) as server:
        found = asked(server_model(server.url), [replace(questions(1)[0], image=b"no image"), questions(2)[1]])
    assert (found.replies[0].status, found.replies[0].response) == ("failed", None)
    assert "are not a JPEG" in str(found.replies[0].error)
    assert found.replies[1].response == "A"
    assert len(server.asked) == 1


@pytest.mark.parametrize("ending", ["", "/", "/?api-version=1"])
def test_an_url_may_end_in_a_slash_or_carry_a_query(ending: str) -> None:
    with chat_server(said("A")) as server:
        reply_of(server_model(server.url + ending))
    assert server.asked[0].path == "/v1/chat/completions" + ending.strip("/")


def test_the_key_of_the_named_variable_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    with chat_server(said("A"), key=KEY) as server:
        assert reply_of(server_model(server.url, key_variable="MY_KEY")).response == "A"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with chat_server(said("A")) as server:
        assert reply_of(server_model(server.url)).response == "A"


# what a reply means


def replied(reply: Sent, *, likelihood: bool = False, **settings: Any) -> Reply:
    with chat_server(reply) as server:
        question = questions(1, letters=settings.pop("letters", ("A", "B")))[0]
        return replace(reply_of(server_model(server.url, **settings), question, likelihood=likelihood), seconds=0.0)


def test_a_reply_is_kept_exactly_with_its_tokens() -> None:
    assert replied(completion(" A.\n", usage=(900, 3))) == Reply(" A.\n", tokens_in=900, tokens_out=3)


def test_a_server_that_does_not_count_tokens_leaves_them_unknown() -> None:
    assert replied(said("A")) == Reply("A")
    assert replied(completion("A", usage=(-1, 2))).tokens_in is None


def test_a_reply_that_was_cut_is_truncated_even_without_a_word() -> None:
    told = {"status": "truncated", "tokens_in": 9, "tokens_out": 64, "error": "the reply was cut at 64 tokens"}
    assert replied(completion("It is", finish="length", usage=(9, 64))) == Reply("It is", **told)
    assert replied(completion(None, finish="length", usage=(9, 64))) == Reply("", **told)


@pytest.mark.parametrize(
    ("reply", "words", "why"),
    [
        (completion("It", finish="content_filter"), "It", "content filter"),
        (completion(None, refusal="I will not look at people."), None, "refused: I will not look at people."),
        (failure(400, "It was filtered.", code="content_filter"), None, "answered 400: It was filtered."),
        (failure(400, "no", innererror={"code": "ResponsibleAIPolicyViolation"}), None, "answered 400: no"),
        (failure(403, "no", code=403, metadata={"reasons": ["x"], "flagged_input": "y"}), None, "answered 403: no"),
    ],
)
def test_a_refusal_is_refused_with_its_reason(reply: Sent, words: str | None, why: str) -> None:
    found = replied(reply)
    assert (found.status, found.response) == ("refused", words)
    assert why in str(found.error)


def test_json_is_unwrapped_to_its_letter_and_other_words_stay() -> None:
    assert replied(said({"answer": "B"}), structured="json_schema").response == "B"
    for words in ('{"answer": 2}', '{"letter": "B"}', "B", "[]"):
        assert replied(said(words), structured="json_schema").response == words
    assert replied(said({"answer": "B"})).response == '{"answer": "B"}'
    cut = replied(completion('{"answer', finish="length"), structured="json_schema")
    assert (cut.status, cut.response) == ("truncated", '{"answer')


@pytest.mark.parametrize("message", ["This model's maximum context length is 4096 tokens.", "bad image"])
@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_one_question_gets_wrong_fails_it_for_good(message: str, status: int) -> None:
    found = replied(failure(status, message))
    assert (found.status, found.response) == ("failed", None)
    assert str(found.error).endswith(f"answered {status}: {message}")


# likelihoods


def scores(*alternatives: tuple[str, float], letters: tuple[str, ...] = ("A", "B")) -> list[float]:
    """Probabilities, not logarithms."""
    sent = [(token, math.log(value)) for token, value in alternatives]
    reply = replied(completion("A", finish="length", logprobs=top(*sent)), likelihood=True, letters=letters)
    assert (reply.response, reply.status) == (None, "ok")
    return [math.exp(score) for score in reply.scores or ()]


def test_an_options_score_sums_all_tokens_that_name_it_and_no_others() -> None:
    found = scores(
        ("A", 0.3), (" B", 0.2), (" A", 0.1), ("(A", 0.05), ("A)", 0.01), ("a", 0.09), ("An", 0.08), ("(", 0.1)
    )
    assert found == pytest.approx([0.46, 0.2])


def test_letters_in_brackets_and_words_are_named_by_their_tokens_too() -> None:
    assert scores(("(b", 0.5), ("a", 0.2), ("(", 0.1), ("A", 0.05), letters=("(a)", "(b)")) == pytest.approx([0.2, 0.5])
    assert scores(("yes", 0.4), ("▁Yes", 0.3), (" no", 0.1), letters=("Yes", "No")) == pytest.approx([0.7, 0.1])


def test_a_letter_that_is_not_among_the_alternatives_has_no_probability() -> None:
    reply = replied(
        completion("A", logprobs=top(("A", -0.5), ("B", -9999.0))), likelihood=True, letters=("A", "B", "C")
    )
    assert reply.scores == (pytest.approx(-0.5), -math.inf, -math.inf)


@pytest.mark.parametrize(
    "reply",
    [completion("A"), completion("A", logprobs={"content": []}), failure(400, "unknown parameter: top_logprobs")],
)
def test_a_server_without_log_probabilities_is_refused_with_a_remedy(reply: Sent) -> None:
    with pytest.raises(Refused, match="no log-probabilities of tokens, so .* no likelihood; set answer: text"):
        replied(reply, likelihood=True)


# what goes wrong


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
        (failure(401, "no key"), "set OPENAI_API_KEY to its key"),
        (failure(403, "no"), "set OPENAI_API_KEY to its key"),
        (failure(404, "no such model"), r"look at the URL \(it often ends in /v1\) and the model"),
        (failure(405), "look at the URL"),
        (Sent(301, b"", {"Location": "https://elsewhere"}), "look at the URL"),
        (failure(402, "Insufficient Balance"), "account"),
        (failure(429, "You exceeded your quota.", code="insufficient_quota"), "account"),
    ],
)
def test_what_every_question_would_get_stops_at_once(reply: Sent, remedy: str) -> None:
    with chat_server(said("A"), reply) as server:
        found = asked(server_model(server.url), questions(6))
    assert isinstance(found.error, Refused)
    assert found.error.args[0].startswith(f"{server.url} answered {reply.status}")
    pytest.raises(Refused, lambda: (_ for _ in ()).throw(found.error)).match(remedy)
    assert len(server.asked) == 2
    assert sorted(found.replies) == [0]


def test_a_wrong_key_is_said_to_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server(key="another") as server, pytest.raises(Refused, match="look at the key in OPENAI_API_KEY"):
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


# settings


def settings(**changes: Any) -> Server:
    return Server(**{"kind": "openai", "url": LATER, "model": "m", **changes})


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "ftp://host/v1", "file:///etc/passwd", "http://", "http://h:x/"])
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="url: .* is not a URL"):
        check_server(settings(url=url))


def test_a_password_in_the_url_is_refused_unseen() -> None:
    with pytest.raises(Refused, match="leave them out") as refused:
        check_server(settings(url="https://user:geheim@host/v1"))
    assert "geheim" not in str(refused.value)


def test_a_key_that_no_header_can_carry_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "geheim\nschlüssel")
    with pytest.raises(Refused, match="MY_KEY") as refused:
        check_server(settings(key_variable="MY_KEY"))
    assert "geheim" not in str(refused.value)
    with pytest.raises(Refused, match="MY_KEY"):
        load(settings(key_variable="MY_KEY"), None, Generation(1), Machine())


def test_a_key_in_place_of_its_variables_name_is_refused_unseen() -> None:
    with pytest.raises(Refused, match="key_variable is not the name") as refused:
        check_server(settings(key_variable=KEY))
    assert KEY not in str(refused.value)


def test_a_sound_server_is_not_asked_by_the_check() -> None:
    check_server(settings())


def test_the_server_and_the_day_are_named() -> None:
    before = datetime.now(UTC).date()
    made = load(settings(url="https://h/v1/?key=geheim#x", model="some-model"), None, Generation(1), Machine())
    days = {day.isoformat() for day in (before, datetime.now(UTC).date())}
    assert made.computed in {f"some-model at https://h/v1, {day}" for day in days}


def test_money_is_the_price_of_all_tokens_if_both_prices_are_known() -> None:
    assert money(settings(price_in=2.0, price_out=8.0), 1_500_000, 250_000) == 5.0
    assert money(settings(price_in=0.0, price_out=0.0), 5, 5) == 0.0
    for known in ({}, {"price_in": 2.0}, {"price_out": 8.0}):
        assert money(settings(**known), 1, 1) is None
