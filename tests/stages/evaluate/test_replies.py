"""Kept replies are found by all that was asked, and by nothing less; nothing is asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from world.committed import memory_bucket
from world.replying import Replying

from manifests.storage import Folder
from stages.evaluate.replies import Replies, drop_replies
from stages.models.answering.base import NoReply, Question, Reply

ASKED = Question("q1", "Is it open?", b"an image", ("A", "B"), "A", "be brief")
REPLIES = (
    Reply("B", tokens_in=5, tokens_out=1, seconds=0.25),
    Reply(None, scores=(-0.1, -inf)),
    Reply("half a", "truncated", error="cut off"),
    Reply("é\n\ud800 \x00"),
)


@pytest.fixture(params=["disk", "bucket"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    if request.param == "disk":
        yield Folder(str(tmp_path / "kept"))
        return
    with memory_bucket() as url:
        yield Folder(f"{url}/kept")


@pytest.mark.parametrize("reply", REPLIES)
def test_a_kept_reply_is_found_as_it_was(reply: Reply, folder: Folder) -> None:
    replies = Replies(folder, "model")
    replies.keep(ASKED, reply)
    assert replies.find(ASKED) == reply  # by the same process
    assert Replies(folder, "model").find(ASKED) == reply  # and by the next


@pytest.mark.parametrize(
    "change",
    [
        {"question_id": "q2"},
        {"words": "Is it open? "},
        {"image": b"another image"},
        {"image": None},
        {"letters": ("B", "A")},
        {"letters": ("(a)", "(b)")},
        {"system": ""},
    ],
)
def test_another_question_is_not_found(change: dict[str, object], folder: Folder) -> None:
    Replies(folder, "model").keep(ASKED, Reply("B"))
    assert Replies(folder, "model").find(replace(ASKED, **change)) is None  # type: ignore[arg-type]
    assert Replies(folder, "model").find(ASKED) is not None


def test_the_reply_of_another_model_is_not_found(folder: Folder) -> None:
    Replies(folder, "model, at most 16 tokens").keep(ASKED, Reply("B"))
    assert Replies(folder, "model, at most 512 tokens").find(ASKED) is None


@pytest.mark.parametrize(
    "left", [b"", b"{", b'{"response": "B", "sco', b"[]", b"3", b'"B"', b"null", b"{}", b"\xff\xfe\x00"]
)
def test_a_torn_file_is_asked_again_and_replaced(left: bytes, folder: Folder) -> None:
    Replies(folder, "model").keep(ASKED, Reply("A"))
    [name] = folder.sizes()
    folder.write(name, left)
    model = Replying(lambda asked: Reply("B"))
    assert Replies(folder, "model").replies(model, [ASKED]) == [Reply("B")]
    assert len(model.asked) == 1
    assert list(folder.sizes()) == [name]
    assert Replies(folder, "model").find(ASKED) == Reply("B")


def test_a_file_that_goes_away_is_asked_again(folder: Folder) -> None:
    Replies(folder, "model").keep(ASKED, Reply("A"))
    replies = Replies(folder, "model")
    drop_replies(folder)
    assert replies.find(ASKED) is None


def test_a_file_half_written_when_the_disk_is_full_is_no_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = Replies(Folder(str(tmp_path)), "model")

    def half(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="disk full"):
        replies.keep(ASKED, Reply("A"))
    assert replies.find(ASKED) is None
    assert Replies(Folder(str(tmp_path)), "model").find(ASKED) is None


def questions(count: int) -> list[Question]:
    return [replace(ASKED, question_id=f"q{number}") for number in range(count)]


def test_replies_stand_in_the_order_asked_whatever_order_they_come_in(folder: Folder) -> None:
    refused = Reply(None, "failed", error="its image is gone")
    model = Replying(lambda asked: Reply(asked.question_id))
    one, two, three = questions(3)
    said = Replies(folder, "model").replies(model, [one, refused, two, three])
    assert said == [Reply("q0"), refused, Reply("q1"), Reply("q2")]
    assert len(folder.sizes()) == 3  # what was not asked is not kept


@pytest.mark.parametrize("same_process", [True, False])
def test_nothing_is_asked_twice_when_some_have_no_reply_yet(same_process: bool, folder: Folder) -> None:
    asked = questions(6)
    replies = Replies(folder, "model")
    stopping = Replying(lambda one: None if one.question_id in ("q1", "q4") else Reply(one.question_id))
    with pytest.raises(NoReply):
        replies.replies(stopping, asked)
    going_on = Replying(lambda one: Reply(f"{one.question_id} later"))
    said = (replies if same_process else Replies(folder, "model")).replies(going_on, asked)
    assert [one.question_id for one in reversed(going_on.asked)] == ["q1", "q4"]
    assert [one.response for one in said] == ["q0", "q1 later", "q2", "q3", "q4 later", "q5"]
    nobody = Replying(lambda one: None)
    assert replies.replies(nobody, asked) == said
    assert not nobody.asked


def test_what_another_process_kept_since_is_not_asked_again(folder: Folder) -> None:
    asked = questions(2)
    began_before = Replies(folder, "model")
    Replies(folder, "model").keep(asked[0], Reply("kept by another"))
    model = Replying(lambda one: Reply("asked"))
    assert [one.response for one in began_before.replies(model, asked)] == ["kept by another", "asked"]
    assert [one.question_id for one in model.asked] == ["q1"]


def test_a_reply_is_kept_before_the_next_is_awaited(folder: Folder) -> None:
    kept: list[int] = []

    def rule(asked: Question) -> Reply:
        kept.append(len(folder.sizes()))
        return Reply("A")

    Replies(folder, "model").replies(Replying(rule), questions(4))
    assert kept == [0, 1, 2, 3]


def test_dropped_replies_are_gone(folder: Folder) -> None:
    Replies(folder, "model").keep(ASKED, Reply("B"))
    drop_replies(folder)
    assert not folder.sizes()
    drop_replies(folder)
