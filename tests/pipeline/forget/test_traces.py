"""Which texts name an image, by an oracle that tries each word by itself."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.calls import calls

from pipeline.forget.traces import NAMES, naming

# few letters, so that words lie in one another and in texts often
WORDS = st.text("aA0/._- \u00e9\n", min_size=1, max_size=5)


def row(word: str) -> dict[str, str | None]:
    return dict.fromkeys(NAMES) | {"key": word}


@settings(max_examples=300, deadline=None)
@given(words=st.lists(WORDS, max_size=6), text=st.text("aA0/._- \u00e9\n", max_size=20))
def test_a_text_names_what_stands_in_it_as_a_whole_word(words: list[str], text: str) -> None:
    apart = [rf"(?<![0-9A-Za-z]){re.escape(word)}(?![0-9A-Za-z])" for word in words]
    assert naming([row(word) for word in words])(text) == any(re.search(form, text) for form in apart)


@pytest.mark.slow
def test_many_images_cost_no_more_time_for_a_text_than_few() -> None:
    rows = [
        row(f"t.csv:{n}") | {"image_id": f"{n:032x}", "url": f"https://a.example/{'x' * (n % 200)}/{n}.jpg"}
        for n in range(20_000)
    ]
    names, few, told = naming(rows), naming(rows[:200]), "task 7: cannot read https://b.example/7.jpg; " * 20
    assert not names(told)
    assert names(f"cannot read {rows[777]['url']}: gone")
    assert calls(lambda: names(told)) < 2 * calls(lambda: few(told))
    assert calls(lambda: naming(rows)) < 2 * 100 * calls(lambda: naming(rows[:200]))
