"""Before any work: whether a root can be written and a source be listed, told in one sentence after few requests."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from world.downloads import stage_of
from world.processes import PATIENCE_S
from world.store import Bucket

from manifests.errors import Refused
from manifests.storage import Folder
from manifests.stores import places, reach

MOST = 4  # requests
KINDS = ["shards", "folder", "img2dataset"]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store has as long as it needs to answer."""
    monkeypatch.setattr(reach, "WITHIN_S", PATIENCE_S)
    monkeypatch.setattr(places, "QUICK", places.QUICK | {"connect_timeout": PATIENCE_S, "read_timeout": PATIENCE_S})


def refused(work: Callable[[], object], bucket: Bucket, url: str) -> str:
    """The one sentence of a refusal, which names the URL and comes soon."""
    before = len(bucket.proxy.asked)
    with pytest.raises(Refused) as caught:
        work()
    assert len(bucket.proxy.asked) - before <= MOST
    said = str(caught.value)
    assert url in said
    assert "\n" not in said
    return said


@pytest.fixture(params=["root", *KINDS])
def asked(request: pytest.FixtureRequest, bucket: Bucket) -> Iterator[Callable[[], str]]:
    """Why a root in the bucket, or a source of each kind, is refused."""
    bucket.put("photos/00.tar", b"")
    if request.param == "root":
        yield lambda: refused(Folder(bucket.url("runs/a")).check_writable, bucket, bucket.url("runs/a"))
        return
    stage = stage_of(request.param, bucket.url("photos") + "/*.tar" * (request.param == "shards"))
    yield lambda: refused(stage.external_state, bucket, f"source some: {bucket.url('photos')}")


def test_without_credentials_it_says_what_to_set(bucket: Bucket, asked: Callable[[], str]) -> None:
    bucket.sign_in(None)
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE" in asked()


def test_a_key_the_store_does_not_know_is_told(bucket: Bucket, asked: Callable[[], str]) -> None:
    bucket.allow("s3:*")
    bucket.sign_in("AKIANOBODY", "nothing")
    assert "does not accept the credentials (InvalidAccessKeyId)" in asked()


def test_a_user_who_may_not_is_told(bucket: Bucket, asked: Callable[[], str]) -> None:
    bucket.allow("s3:GetObject")
    assert "refuses it to these credentials" in asked()


def test_a_wrong_secret_is_told_and_not_repeated(bucket: Bucket) -> None:
    bucket.allow("s3:*")
    bucket.sign_in(bucket.key, "hidden")
    said = refused(Folder(bucket.url("runs")).check_writable, bucket, bucket.url("runs"))
    assert "SignatureDoesNotMatch" in said
    assert "hidden" not in said


def test_a_user_who_may_read_and_not_write_is_told(bucket: Bucket) -> None:
    bucket.allow("s3:GetObject", "s3:ListBucket")
    assert "refuses it" in refused(Folder(bucket.url("runs")).check_writable, bucket, bucket.url("runs"))


def test_a_user_who_may_read_is_enough_for_a_source(bucket: Bucket) -> None:
    bucket.put("photos/a.jpg", b"1")
    bucket.allow("s3:GetObject", "s3:ListBucket")
    assert stage_of("folder", bucket.url("photos")).external_state()


def test_a_bucket_that_does_not_exist_is_told_and_not_made(bucket: Bucket) -> None:
    url = "s3://no-such-bucket/runs"
    for work in (Folder(url).check_writable, stage_of("shards", f"{url}/*.tar").external_state):
        assert "the bucket does not exist" in refused(work, bucket, url)
    assert "PUT" not in {one.kind for one in bucket.proxy.asked}


def test_a_protocol_nobody_knows_is_refused(bucket: Bucket) -> None:
    for work in (Folder("s4://a/b").check_writable, stage_of("shards", "s4://a/b.tar").external_state):
        assert "not a supported kind of location" in refused(work, bucket, "s4://")


@pytest.mark.parametrize("deaf", [False, True], ids=["nothing listens there", "it listens and never answers"])
def test_an_endpoint_where_nobody_answers_is_named_in_time(
    bucket: Bucket, deaf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if deaf:
        monkeypatch.setattr(reach, "WITHIN_S", 0.1)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if deaf:
            listening.listen(50)
        endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        bucket.environment.setenv("AWS_ENDPOINT_URL", endpoint)
        bucket.moved()
        said = refused(Folder(bucket.url("runs")).check_writable, bucket, bucket.url("runs"))
    assert f"nobody answers at {endpoint}" in said


def test_a_store_that_is_too_busy_has_answered_and_is_waited_for(bucket: Bucket) -> None:
    bucket.proxy.fail(busy=5)
    Folder(bucket.url("runs")).check_writable()
    assert bucket.proxy.faults.busy == 0


def test_nothing_is_left_behind(bucket: Bucket) -> None:
    Folder(bucket.url("runs")).check_writable()
    assert bucket.names() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_is_not_there_is_told_by_name(bucket: Bucket, kind: str) -> None:
    bucket.put("other/a.jpg", b"")
    with pytest.raises(Refused, match=r"photos.*(does not exist|names no file|neither a folder nor)"):
        stage_of(kind, bucket.url("photos") + "/*.tar" * (kind == "shards")).external_state()
