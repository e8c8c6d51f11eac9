"""Faults: what the errors of a store's library mean, whichever library it is.

There are three kinds: errors about the file (FileNotFoundError, PermissionError, FileExistsError), errors
in the request (no credentials, no such bucket: `sentence` says what to do), and everything else, which is
`Unreachable`: a failure of the store, the network or this machine, never of the file.
"""

from __future__ import annotations

import errno
import os

from manifests.stores.places import AMAZON, GOOGLE

CREDENTIALS = (  # codes by which a store rejects the caller, not the object requested: a later try may succeed
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId",
    "InvalidSecurity", "InvalidToken", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
    "TokenRefreshRequired", "401",
)  # fmt: skip
WITHOUT = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound")
SILENT = ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError", "ReadTimeoutError",
          "FSTimeoutError", "ClientConnectorError", "ConnectionError", "ProxyConnectionError")  # fmt: skip
LATER = ("RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "RequestThrottled", "TooManyRequests",
         "ConditionalRequestConflict", "408", "429")  # fmt: skip
NETWORK = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "requests", "urllib3", "asyncio", "fsspec", "azure")
CODED = ("gcsfs", "google")  # libraries whose `code` is the store's own; aiohttp reports a truncated body as 400
REFUSED_CODES = ("AccessDenied", "403", "AllAccessDisabled")
ABSENT_BUCKET = ("NoSuchBucket",)
OF_THE_FILE = {
    FileNotFoundError: errno.ENOENT,
    PermissionError: errno.EACCES,
    FileExistsError: errno.EEXIST,
    NotADirectoryError: errno.ENOTDIR,
    IsADirectoryError: errno.EISDIR,
}


class Unreachable(OSError):
    """A store that, after all retries, did not answer or cut its answer short; or one that rejects the caller."""


def os_error(error: Exception, url: str) -> OSError:
    """Convert `error` to an OSError with number, text and URL: an error about the file, or Unreachable."""
    if isinstance(error, Unreachable):
        return error
    code, text = code_of(error), _text(error)
    if code in REFUSED_CODES or (code is None and text.startswith("Forbidden")):  # gcsfs gives no code, only text
        return PermissionError(errno.EACCES, text, url)
    kind = next((kind for kind in OF_THE_FILE if isinstance(error, kind)), None)
    if kind is None or code in CREDENTIALS:
        return Unreachable(errno.EIO, text, url)
    return kind(OF_THE_FILE[kind], text, url)


def code_of(error: BaseException | None) -> str | None:
    """Return the store's own error code, such as NoSuchBucket or 403; None if it gave none."""
    while error is not None:
        answer = getattr(error, "response", None)
        if isinstance(answer, dict) and (code := answer.get("Error", {}).get("Code")):
            return str(code)
        if _library(error) in CODED and (code := getattr(error, "code", None)):
            return str(code)
        error = error.__cause__
    return None


def may_pass(error: Exception) -> bool:
    """Return whether a retry may succeed: not after any 4xx, except those that ask for a retry."""
    if code_of(error) in LATER:
        return True
    if _kinds(error) & set(WITHOUT) or code_of(error) in (*CREDENTIALS, *REFUSED_CODES) or 400 <= _status(error) < 500:
        return False
    return isinstance(error, OSError) or _library(error) in NETWORK


def is_asking(error: Exception) -> bool:
    """Return whether the request is wrong or no server answers, so that trying for longer does not help."""
    kinds = _kinds(error)
    known = code_of(error) in (*CREDENTIALS, *REFUSED_CODES, *ABSENT_BUCKET)
    return known or isinstance(error, PermissionError) or bool(kinds & {*WITHOUT, *SILENT}) or _is_silent(error)


def sentence(error: Exception, url: str) -> str:
    """Say what is wrong and what to do, without the URL."""
    code, kinds = code_of(error), _kinds(error)
    if kinds & set(WITHOUT):
        return f"no credentials were found ({_text(error)}); {_remedy(url)}"
    if code in CREDENTIALS:
        return f"the store does not accept the credentials ({code}); {_remedy(url)}"
    if code in REFUSED_CODES or isinstance(os_error(error, url), PermissionError):
        return f"the store refuses it to these credentials ({_text(error)}); have them allowed to, or {_remedy(url)}"
    if code in ABSENT_BUCKET:
        return "the bucket does not exist; create it, or correct the URL"
    if kinds & set(SILENT) or _is_silent(error):
        return f"nobody answers{_where(url)} ({_text(error)}); correct the address or the network, or try later"
    if isinstance(error, FileNotFoundError):
        return "it does not exist; correct the URL"
    return f"the store did not do it ({_text(error)}); try again later: the same command continues where it stopped"


def _library(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]


def _status(error: BaseException | None) -> int:
    """Return the HTTP status of the store's answer; 0 if there is none."""
    code = code_of(error) or ""
    while error is not None:
        answer = getattr(error, "response", None)
        if isinstance(answer, dict) and (status := answer.get("ResponseMetadata", {}).get("HTTPStatusCode")):
            return int(status)
        error = error.__cause__
    return int(code) if code.isdigit() else 0


def _is_silent(error: Exception) -> bool:
    return isinstance(error, (ConnectionError, TimeoutError))


def _where(url: str) -> str:
    """Return the address at which a store was tried, if the environment names one."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") if url.startswith(AMAZON) else ("STORAGE_EMULATOR_HOST",)
    named = next((name for name in names if os.environ.get(name)), None)
    return f" at {os.environ[named]} ({named})" if named else ""


def _remedy(url: str) -> str:
    protocol = url.partition("://")[0]
    if protocol in AMAZON:
        return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if protocol in GOOGLE:
        return "set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`"
    return "set what its library asks for"


def _kinds(error: BaseException | None) -> set[str]:
    """Return the names of the types of the error and its causes: names, so that no library need be imported."""
    names: set[str] = set()
    while error is not None:
        names |= {kind.__name__ for kind in type(error).__mro__}
        error = error.__cause__
    return names


def _text(error: BaseException) -> str:
    """Return the error's text in one line; that of an OSError without its number."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(str(words).split())[:300] or type(error).__name__
