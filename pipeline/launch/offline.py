"""Offline: keep this process, and the workers it starts, from asking a model hub."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH = "HF_HUB_OFFLINE"  # huggingface_hub's own, which workers inherit
CLIENT = "huggingface_hub.constants"  # reads the switches once, when it is imported
YES = ("1", "ON", "YES", "TRUE")  # what it takes for yes


@contextmanager
def hub_closed(closed: bool) -> Iterator[None]:
    """Ask no model hub inside this block, if `closed`; afterwards everything is as it was before."""
    if not closed:
        yield
        return
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = "1"
    earlier = _set_client(True)
    try:
        yield
    finally:
        os.environ.pop(SWITCH)
        if before is not None:
            os.environ[SWITCH] = before
        _set_client(_switched_on() if earlier is None else earlier)


def _switched_on() -> bool:
    """Return how the client would read its switches if it were imported now."""
    return (os.environ.get(SWITCH) or os.environ.get("TRANSFORMERS_OFFLINE") or "").upper() in YES


def _set_client(offline: bool) -> bool | None:
    """Switch a client that is imported already; return how it was, None if it is not imported."""
    if (client := sys.modules.get(CLIENT)) is None:
        return None
    earlier, client.HF_HUB_OFFLINE = bool(client.HF_HUB_OFFLINE), offline  # type: ignore[attr-defined]
    return earlier
