"""A server's settings: what is refused before anything is sent, and what a model and its tokens are said to be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from world.server_models import KEY

from manifests.errors import Refused
from stages.base import Machine
from stages.evaluate.grade import Grade
from stages.evaluate.predict import Predict
from stages.models.answering.base import Generation, load
from stages.models.answering.server import check_server
from stages.models.answering.settings import Server, settings_shown

LATER = "http://127.0.0.1:1/v1"  # where nobody listens


def settings(**changes: Any) -> Server:
    return Server(**{"kind": "openai", "url": LATER, "model": "m", **changes})


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "ftp://host/v1", "file:///etc/passwd", "http://", "http://h:x/"])
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(Refused, match=r"url: .* is not a URL"):
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
    with pytest.raises(Refused, match="key_variable is not a name") as refused:
        check_server(settings(key_variable=KEY))
    assert KEY not in str(refused.value)


def test_a_sound_server_is_not_asked_by_the_check() -> None:
    check_server(settings())


def test_the_server_and_the_day_are_named() -> None:
    before = datetime.now(UTC).date()
    made = load(settings(url="https://h/v1/?key=geheim#x", model="some-model"), None, Generation(1), Machine())
    days = {day.isoformat() for day in (before, datetime.now(UTC).date())}
    assert made.computed in {f"some-model at https://h/v1, {day}" for day in days}


def test_a_query_is_sent_and_never_shown_as_a_setting() -> None:
    shown = settings_shown(settings(url="https://h/v1?key=geheim#x"))
    assert shown["url"] == "https://h/v1"
    assert "geheim" not in str(Predict("m", settings(url="https://h/v1?key=geheim"), "r").settings)
    assert "geheim" not in str(Grade("m", settings(url="https://h/v1?key=geheim"), "r").settings)


@pytest.mark.parametrize("proxy", ["socks5://user:geheim@127.0.0.1:1", "http:::geheim", "ftp://geheim"])
def test_a_proxy_that_cannot_be_used_is_refused_unseen(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(Refused, match="through the proxy that the environment names") as refused:
        load(settings(url="http://host.invalid/v1"), None, Generation(1), Machine())
    assert "geheim" not in str(refused.value)
