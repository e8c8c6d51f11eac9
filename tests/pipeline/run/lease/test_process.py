"""A process knows which others of its machine live."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline.run.lease.process import Process, this_process


@pytest.fixture
def me() -> Process:
    found = this_process()
    if not found.boot:
        pytest.skip("this system does not say what tells its processes apart")
    return found


def test_it_lives_and_says_so_after_a_round_trip(me: Process) -> None:
    assert Process.from_json(me.to_json()).alive(me) is True


def test_one_that_ended_does_not_live_though_its_parent_has_not_asked_yet(me: Process) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    child.stdout.read()  # it has ended, or is about to
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert replace(me, number=child.pid).alive(me) is False
    child.wait()
    assert replace(me, number=child.pid).alive(me) is False


@pytest.mark.parametrize("other", [{"host": "b"}, {"boot": "b"}, {"namespace": "pid:[1]"}])
def test_of_another_machine_or_container_nothing_is_known(me: Process, other: dict[str, str]) -> None:
    assert replace(me, **other).alive(me) is None


def test_without_these_marks_nothing_is_known(me: Process) -> None:
    bare = Process(me.host, me.number)
    assert bare.alive(bare) is None
