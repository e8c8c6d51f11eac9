"""Faults: what the errors of stores' libraries mean. Errors here are shaped as the libraries raise them."""

import aiohttp
import botocore.exceptions as boto
import pytest
from s3fs.errors import translate_boto_error

from manifests.stores.faults import Unreachable, may_pass, os_error, sentence

URL = "s3://bucket/a"


def answered(code: str, status: int) -> Exception:
    """As s3fs raises what S3 answered."""
    answer = {"Error": {"Code": code, "Message": "words"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return translate_boto_error(boto.ClientError(answer, "GetObject"))


class HttpError(Exception):
    """As gcsfs raises what Google's store answered."""

    def __init__(self, code: int) -> None:
        super().__init__("words")
        self.code = code


HttpError.__module__ = "gcsfs.retry"
CUT = aiohttp.ClientPayloadError("Response payload is not completed")
CUT.__cause__ = aiohttp.http_exceptions.ContentLengthError("Not enough data")  # which has a code, 400
SILENT = boto.EndpointConnectionError(endpoint_url="http://x")
TRUE_OF_THE_FILE = [
    (answered("NoSuchKey", 404), FileNotFoundError),
    (answered("AccessDenied", 403), PermissionError),
    (FileNotFoundError("gone"), FileNotFoundError),
    (OSError("Forbidden: https://storage..."), PermissionError),  # gcsfs
]
MAY_PASS = [
    answered("SlowDown", 503), answered("ServiceUnavailable", 503), answered("InternalError", 500),
    answered("RequestTimeout", 400), HttpError(503), HttpError(429), SILENT, TimeoutError(), CUT,
    boto.ConnectionClosedError(endpoint_url="http://x"), ConnectionResetError(104, "reset"),
]  # fmt: skip
WILL_NOT = [
    answered("InvalidRange", 416), answered("InvalidRequest", 400), answered("NoSuchBucket", 404),
    answered("InvalidAccessKeyId", 403), answered("ExpiredToken", 400), answered("PreconditionFailed", 412),
    HttpError(401), HttpError(416), boto.NoCredentialsError(), TypeError("no such option"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "kind"), TRUE_OF_THE_FILE, ids=repr)
def test_what_is_true_of_the_file_is_told_as_a_disk_tells_it(error: Exception, kind: type[OSError]) -> None:
    told = os_error(error, URL)
    assert type(told) is kind
    assert (told.filename, bool(told.strerror), bool(told.errno)) == (URL, True, True)


@pytest.mark.parametrize("error", MAY_PASS, ids=repr)
def test_what_may_pass_is_the_stores_failure_and_tried_again(error: Exception) -> None:
    assert type(os_error(error, URL)) is Unreachable
    assert may_pass(error)


@pytest.mark.parametrize("error", WILL_NOT, ids=repr)
def test_what_will_not_pass_is_not_tried_again(error: Exception) -> None:
    assert not may_pass(error)


def test_credentials_a_store_does_not_take_say_nothing_of_the_file() -> None:
    assert type(os_error(answered("ExpiredToken", 400), URL)) is Unreachable


@pytest.mark.parametrize(
    ("error", "url", "remedy"),
    [
        (boto.NoCredentialsError(), "s3://b", "AWS_PROFILE"),
        (HttpError(401), "gs://b", "GOOGLE_APPLICATION_CREDENTIALS"),
        (answered("NoSuchBucket", 404), "s3://b", "create it"),
        (SILENT, "s3://b", "nobody answers"),
        (answered("InternalError", 500), "s3://b", "try again later"),
    ],
    ids=repr,
)
def test_a_sentence_says_what_to_do(error: Exception, url: str, remedy: str) -> None:
    assert remedy in sentence(error, url)
