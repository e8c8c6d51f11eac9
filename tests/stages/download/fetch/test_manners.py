"""X-Robots-Tag, with img2dataset's own reading as the least that must be refused."""

from __future__ import annotations

import ast
from email.message import Message
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.download.fetch.manners import denial, user_agent

OURS = ["noai", "noimageai", "noindex", "noimageindex"]
words = st.sampled_from([*OURS, "none", "all", "nofollow", "max-snippet: 5", "NoAI", "unavailable_after: 1 Jan 2030"])
agents = st.sampled_from(["", "", "blindpairs: ", "BLINDPAIRS:", "*: ", "googlebot: ", "other-bot:"])
lines = st.lists(st.tuples(agents, st.lists(words, min_size=1)).map(lambda both: both[0] + ", ".join(both[1])))


def theirs() -> Any:
    """img2dataset's function alone, for the package takes seconds to load."""
    source = Path(find_spec("img2dataset").submodule_search_locations[0], "downloader.py").read_text()
    function = next(n for n in ast.parse(source).body if getattr(n, "name", "") == "is_disallowed")
    space: dict[str, Any] = {}
    exec(compile(ast.Module([function], []), "downloader.py", "exec"), space)
    return space["is_disallowed"]


THEIRS = theirs()


@given(lines)
def test_what_img2dataset_refuses_is_refused(tags: list[str]) -> None:
    headers = Message()
    for tag in tags:
        headers["X-Robots-Tag"] = tag
    if THEIRS(headers, "blindpairs", set(OURS)):
        assert denial(tags)


@pytest.mark.parametrize(
    "tags",
    [
        *(["noai"], [" NoAI "], ["all", "noimageai"], ["nofollow, noindex"], ["none"], ["noai;noimageai"]),
        *(["blindpairs: noai"], ["*: noindex"], ["Blindpairs : nofollow, noimageindex"]),
        ["noai, unavailable_after: 25 Jun 2030 15:00:00 PST"],
        ["unavailable_after: 25 Jun 2030 15:00:00 PST, noai"],
        ["unavailable_after: Saturday, 25-Jun-30 15:00:00 UTC, noai"],
        ["unavailable_after: 2030-06-25T15:00:00, noai"],
        ["max-snippet: 20, max-image-preview: none, noai"],
        ["googlebot: nofollow, blindpairs: noai"],
        ["googlebot: noai", "noai"],
    ],
)
def test_a_denial_is_found_wherever_it_stands(tags: list[str]) -> None:
    assert denial(tags)


@pytest.mark.parametrize(
    "tags",
    [
        *([], ["all"], ["nofollow"], ["noairplanes"], ["googlebot: noai"], ["otherbot: noindex, noai"], [""]),
        *(["blindpairs: all, googlebot: noai"], ["unavailable_after: 25 Jun 2030 15:00:00 PST"], [":"]),
    ],
)
def test_what_is_meant_for_others_or_allows_is_no_denial(tags: list[str]) -> None:
    assert denial(tags) is None


def test_the_user_agent_is_one_line_of_ascii_whatever_the_contact() -> None:
    agent = user_agent("me@example.org\r\nX-Evil: 1 ü")
    assert agent.startswith("blindpairs/")
    assert agent.endswith(" (+me@example.orgX-Evil: 1)")
