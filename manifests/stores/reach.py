"""Reach: check whether a store answers, and whether it accepts us, before any work and within seconds."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

from manifests.errors import Refused
from manifests.stores.faults import is_asking, sentence
from manifests.stores.patience import patiently
from manifests.stores.places import is_local, place

PROBE = "_probe"  # prefix of a file that is requested, or written and removed; readers skip it
WITHIN_S = 15.0  # within which the store must have answered


def check_reached(url: str, what: str) -> None:
    """Request one small file in the folder `url` from the store; whether it exists does not matter.

    Raises Refused, with a message that starts with `what`, if nobody answers (within 20 s), if there are no
    credentials or they are not accepted, if there is no such bucket, and as `place` does. A store that answers
    that it is too busy has answered.
    """
    fs, path = place(url, quick=True)
    if is_local(url):
        return
    error = _answer(lambda: fs.cat_file(f"{path.rstrip('/')}/{PROBE}", start=0, end=1))
    if error is not None and is_asking(error):
        raise Refused(f"{what}: {sentence(error, url)}") from error


def check_takes_files(url: str, what: str) -> None:
    """Write a small file into the folder `url` of a store and remove it. Raises Refused as `check_reached` does."""
    check_reached(url, what)
    fs, path = place(name := f"{url.rstrip('/')}/{PROBE}-{uuid.uuid4().hex[:8]}")
    try:
        patiently(lambda: fs.pipe_file(path, b""), name)
        patiently(lambda: fs.rm_file(path), name)
    except FileNotFoundError as error:  # some stores report no more than this for a missing bucket
        raise Refused(f"{what}: the bucket does not exist; create it, or correct the URL") from error
    except OSError as error:
        raise Refused(f"{what}: {sentence(error, url)}") from error


def _answer(ask: Callable[[], object]) -> Exception | None:
    """Return what `ask` raises; TimeoutError after WITHIN_S, as not every store's library can be made to give up."""
    raised: list[Exception | None] = []

    def work() -> None:
        try:
            ask()
            raised.append(None)
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(WITHIN_S)
    return raised[0] if raised else TimeoutError(f"no answer within {WITHIN_S:.0f} s")
