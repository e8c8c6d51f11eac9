"""Without processes: `pytest --without-processes` skips each test at the moment it would start one.

So the fast tests need no list: what starts nothing runs, and a test that comes to need a process leaves by itself.
"""

from __future__ import annotations

import multiprocessing.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest

STARTS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.system"}
WHY = "starts a process"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-processes", action="store_true", help="skip each test that would start a process")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--without-processes"):
        config.pluginmanager.register(Processless())


class Processless:
    """What refuses them. `refused`: whether this test tried, in whatever thread."""

    def __init__(self) -> None:
        self._testing, self.refused = False, False
        sys.addaudithook(lambda event, _: self._refuse() if event in STARTS else None)
        spawn = multiprocessing.util.spawnv_passfds  # it alone tells no audit hook

        def watched(*words: Any) -> int:
            self._refuse()
            return spawn(*words)

        multiprocessing.util.spawnv_passfds = watched

    def _refuse(self) -> None:
        if self._testing:
            self.refused = True
            raise pytest.skip.Exception(WHY)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self._testing, self.refused = True, False
        try:
            return (yield)
        finally:
            self._testing = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        """What fails because it was refused, in a thread or at its end, is skipped as well."""
        report = yield
        if self.refused and report.outcome == "failed":
            report.outcome, report.longrepr = "skipped", (__file__, 0, WHY)
        return report
