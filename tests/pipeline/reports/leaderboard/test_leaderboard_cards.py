"""Cards of the leaderboard: every reply as it was given, what was read in it, and nothing that a reply could break."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from world.evaluations import Evaluated, always_a, drawn_pairs, near_cosines, oracle, pairs, without
from world.html_reader import Reader
from world.leaderboards import card, given, page, says, words

HOSTILE = '</script><img src=x onerror=alert(1)><b title=\'" onclick="x'


def test_a_card_has_every_reply_how_it_was_read_and_by_which_rule(tmp_path: Path) -> None:
    asked = pairs(2)
    long = {"answer": "b", "rule": "option", "status": "ok", "response": "It is closed. " * 200}
    made = Evaluated(tmp_path, asked).model("good", says({1: long, 2: without("unparsed", "no rule fits")}, oracle))
    html = page(made.matching("clip", {one["question_id"]: [0.25, 0.125] for one in asked}))
    shown = words(card(html, 1))
    assert "Open or closed? (a) Open (b) Closed" in shown
    assert "image 1: (a) a thing a 0 image 2: (b) a thing b 0" in shown
    assert "✗ wrong (b) It is closed." in shown
    assert "… read by option ? unread unparsed Hmm. no rule fits" in shown
    assert "clip ✓ right image 1 1: 0.2500 2: 0.1250 read by cosine ✗ wrong image 1" in shown
    assert "0 of 2 models right" in shown


def test_a_likelihood_is_shown_with_the_option_as_it_is_written(tmp_path: Path) -> None:
    likely = {"answer": "a", "rule": "likelihood", "status": "ok", "scores": [-0.5, -2.0], "response": None}
    made = Evaluated(tmp_path, pairs(1)).model("sure", lambda *_: likely, both_orders=True)
    told = words(card(page(made), 1))
    assert "(a): -0.5000 (b): -2.0000 read by likelihood" in told
    assert "(a): -2.0000 (b): -0.5000 options reversed; read by likelihood" in told


def test_no_word_of_a_reply_a_question_or_a_setting_becomes_markup(tmp_path: Path) -> None:
    asked = pairs(3, [HOSTILE, "b", "c"])
    asked = [one | {"question": HOSTILE, "options": [HOSTILE, "no"], "statement": HOSTILE} for one in asked]
    made = Evaluated(tmp_path / "&lt;i&gt;" / "evaluation-1", asked)
    made.model("m", says({1: without("failed", HOSTILE)}, always_a), model=HOSTILE)
    made.model("n", lambda one, *_: {"answer": "a", "rule": "letter", "status": "ok", "response": HOSTILE})
    html = page(made.matching("clip", near_cosines(asked, 0.5)))
    reader = Reader(html)
    assert (reader.unbalanced, reader.open) == ([], [])
    assert [name for name, attributes in reader.elements if any(key.startswith("on") for key in attributes)] == []
    assert len(reader.named("script")) == 1
    assert all((one["src"] or "").startswith("data:") for one in reader.named("img"))
    assert reader.text.count(HOSTILE) >= 10


def test_a_card_has_the_images_of_its_group_and_says_where_one_is_gone(tmp_path: Path) -> None:
    asked = drawn_pairs(tmp_path / "images", 2)
    Path(asked[3]["uri"]).unlink()
    Path(asked[0]["uri"]).write_bytes(Path(asked[1]["uri"]).read_bytes())
    html = page(Evaluated(tmp_path / "made", asked).model("knows", oracle))
    first, second = card(html, 1), card(html, 2)
    assert "This image could not be read any more." in first.partition('alt="Image 2 of pair 1"')[0]
    assert "This image could not be read any more." in second.partition('alt="Image 1 of pair 2"')[2]


def test_filters_count_the_groups_that_have_their_tag(tmp_path: Path) -> None:
    asked = pairs(6)
    right, wrong = ([0.5, 0.25], [0.25, 0.5]), ([0.25, 0.5], [0.5, 0.25])  # cosines of both statements of a pair
    hard = {one["question_id"]: (wrong if one["place"] < 9 else right)[one["place"] % 2 == 0] for one in asked}
    made = Evaluated(tmp_path, asked).model("one", given("ab" * 2 + "aa" * 4))
    made.model("two", given("ab" + "aa" * 3 + "ab" + "aa"))
    html = page(made.model("knows", oracle, kind="oracle").matching("clip", hard))
    reader = Reader(html)
    tags = Counter(tag for one in reader.named("article") for tag in (one["data-tags"] or "").split())
    # pairs 5 and 6 are right by CLIP; 1 and 2 by "one"; 1 and 5 by "two"; the built-in oracle has no say
    assert tags == {"only-clip-wrong": 2, "all-wrong": 2, "only-answering-wrong": 1, "split": 4}
    buttons = [one["data-show"] for one in reader.named("button")]
    assert buttons == ["", "all-wrong", "only-clip-wrong", "only-answering-wrong", "split"]
    shown = words(html)
    assert "all 6 all wrong 2 only CLIP wrong 2 only CLIP right 1 models disagree 4" in shown
