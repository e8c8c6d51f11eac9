"""What a server with OpenAI's chat protocol is sent for a question: every field of the body, the URL and the key."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from world.chat_server import chat_server, completion, said, top
from world.pictures import every_format, jpeg
from world.server_models import KEY, asked, questions, reply_of, server_model

from stages.models.answering.servers.request import data_url


def body_of(question: Any = None, *, likelihood: bool = False, **settings: Any) -> dict[str, Any]:
    """What a server is sent."""
    reply = completion("A", logprobs=top(("A", -0.1)))
    with chat_server(reply) as server:
        reply_of(server_model(server.url, **settings), question, likelihood=likelihood)
    return server.asked[0].body


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
