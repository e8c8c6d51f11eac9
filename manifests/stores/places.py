"""Places: find the file system of a path or URL. The only way to do so, for manifests and images.

A path without `://` is on the local disk, whatever characters it contains. Anything else is an fsspec URL
(`s3://bucket/photos`, `gs://bucket/runs`); chained file systems are not accepted, so a "::" is just part of
a name. Credentials come from where the store's own library looks for them (environment, profile, the
machine's role), never from the URL, because URLs are written into manifests.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from manifests.errors import Refused

AMAZON, GOOGLE = ("s3", "s3a"), ("gs", "gcs")
DISK = LocalFileSystem()  # has no state: one serves all threads
# for failures that are over in a second or two; patience.py retries for longer
PATIENT = {"retries": {"mode": "standard", "total_max_attempts": 3}, "connect_timeout": 10, "read_timeout": 30}
# a check whether a store answers must be done within 20 s
QUICK = {"retries": {"mode": "standard", "total_max_attempts": 2}, "connect_timeout": 3, "read_timeout": 3}
PARTS = 3  # of 50 MiB each, sent at once when a file is too large for one put; they are held in memory


def is_local(url: str) -> bool:
    """Return whether `url` is a path on this machine's disk. Loads no store's library."""
    return "://" not in url or url.startswith(("file://", "local://"))


def place(url: str, *, quick: bool = False) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return the file system of `url` and the path on it; with `quick`, one that does not try for long.

    Sends no request to the store yet. Safe in threads and after a fork: fsspec caches file systems, separately
    in each process. Raises Refused for a URL that contains a password, for an unknown protocol and for one
    whose library is not installed.
    """
    if "://" not in url:
        # never through fsspec: it would take a "::" in a name for a chain of file systems
        return DISK, os.path.abspath(os.path.expanduser(url))
    if is_local(url):
        return DISK, str(LocalFileSystem._strip_protocol(url))
    protocol, _, rest = url.partition("://")
    _check_no_secret(protocol, rest)
    kind = _kind(protocol)
    if protocol in GOOGLE and not logging.getLogger("gcsfs").handlers:
        logging.getLogger("gcsfs").addHandler(logging.NullHandler())  # otherwise it prints every 404 with its traceback
    fs = kind(**_options(protocol, quick), **kind._get_kwargs_from_urls(url))
    if protocol in AMAZON:
        fs.retries = 1  # s3fs retries around its library's retries, and again around that: for minutes
    return fs, str(kind._strip_protocol(url))


def lies_in(url: str, folder: str) -> bool:
    """Return whether `url` is `folder` or below it."""
    (fs, path), (above, top) = place(url), place(folder)
    return fs.protocol == above.protocol and f"{path.rstrip('/')}/".startswith(f"{top.rstrip('/')}/")


def _options(protocol: str, quick: bool) -> dict[str, Any]:
    # a cached listing does not show what another process wrote
    options: dict[str, Any] = {"use_listings_cache": False}
    if protocol in AMAZON:
        options |= {"config_kwargs": QUICK if quick else PATIENT, "max_concurrency": PARTS}
    return options


def _kind(protocol: str) -> Any:
    try:
        return fsspec.get_filesystem_class(protocol)
    except ValueError:
        raise Refused(f"{protocol}:// is not a supported kind of location; use a path, s3:// or gs://") from None
    except ImportError as error:
        remedy = "pip install blindpairs[gs]" if protocol in GOOGLE else f"install its library ({error})"
        raise Refused(f"{protocol}:// needs a library that is not installed: {remedy}") from None


def _check_no_secret(protocol: str, rest: str) -> None:
    """Refuse `s3://key:secret@bucket` without repeating it."""
    user, at, _ = (host := rest.split("/", 1)[0]).rpartition("@")
    of_a_bucket = protocol in (*AMAZON, *GOOGLE)  # there a secret may contain a "/", so that its "@" is beyond the host
    odd = ":" in user
    if of_a_bucket or protocol in ("http", "https"):  # whose "user" can only be a secret
        odd = bool(at) or (of_a_bucket and ":" in host and not host.startswith("arn:"))
    if odd:
        raise Refused(
            f"the {protocol}:// URL holds a user name or a password, and URLs are written into manifests; "
            "leave it out and set the environment instead (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)"
        )


def absolute(uri: str) -> str:
    """Return `uri` in a form that means the same from any folder."""
    return uri if "://" in uri else os.path.abspath(os.path.expanduser(uri))
