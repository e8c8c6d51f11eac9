"""Lint with several processes: what ends one ends all, with a clear word; and how far it is, as a person sees it."""

from __future__ import annotations

import io
import threading
from multiprocessing import active_children

import pytest
from rich.console import Console
from world.odd_shards import OddShard
from world.processes import PATIENCE_S

from manifests.errors import Refused
from manifests.stores.faults import Unreachable
from pipeline.executors import machine
from pipeline.reports.lint import parallel, progress
from pipeline.reports.lint.draw import Draw
from pipeline.reports.lint.progress import Passed, shown


@pytest.mark.parametrize(
    ("happens", "error", "says"),
    [("death", Refused, "died"), ("store fails", Unreachable, "store failed"), ("Ctrl-C", KeyboardInterrupt, None)],
)
def test_what_ends_one_process_ends_all(happens: str, error: type, says: str | None, monkeypatch) -> None:
    monkeypatch.setattr(parallel, "PROCESSES_FROM", 0)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    before = set(active_children())
    with pytest.raises(error, match=says):
        parallel.look_at_all([OddShard(happens), OddShard("waits"), OddShard("waits")], Draw("none", 0), Passed())
    assert set(active_children()) <= before


class Screen(io.StringIO):
    """Remembers when a text was written to it."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self.awaited, self.seen = awaited, threading.Event()

    def write(self, text: str) -> int:
        if self.awaited in text:
            self.seen.set()
        return super().write(text)


@pytest.mark.parametrize(("terminal", "text"), [(True, "2.5/4.0 GB"), (False, "lint: reading, 2.5 of 4.0 GB read")])
def test_how_far_it_is_is_shown_as_it_reads(terminal: bool, text: str, monkeypatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.01)
    screen, passed = Screen(text), Passed()
    with shown(passed, Console(file=screen, force_terminal=terminal, width=100, color_system=None)):
        passed.what, passed.total = "reading", 4_000_000_000
        passed.beat(2_000_000_000)
        passed.beat(500_000_000)
        assert screen.seen.wait(PATIENCE_S)
