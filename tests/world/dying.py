"""A driver that dies before one of its own writes, in the test's process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from manifests.storage import Folder


class Killed(BaseException):
    """As kill -9, to the driver."""


def dying(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], bool]:
    """Die before the driver's plan, commit or removal of that number; whether it came to that."""
    left_over, died = [number], []
    aside, forget = Folder.aside, Folder.forget

    def due(name: str, writes: bool) -> None:
        if name.startswith("_driver") or (writes and not name.startswith("_")):
            return  # a kill would not give the lease back; half the shards there are a case of other tests
        left_over[0] -= 1
        if left_over[0] == -1:
            died.append(name)
            raise Killed

    def dying_aside(self: Folder, name: str):
        due(name, writes=True)
        return aside(self, name)

    def dying_forget(self: Folder, name: str) -> None:
        if self.has(name):
            due(name, writes=False)
        forget(self, name)

    monkeypatch.setattr(Folder, "aside", dying_aside)
    monkeypatch.setattr(Folder, "forget", dying_forget)
    return lambda: bool(died)
