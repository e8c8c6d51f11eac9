"""One browser for all tests of the pages that one process runs, and tabs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from world.browser import opened_browser, tabs
from world.pages import Writing


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with opened_browser() as one:
        yield one


@pytest.fixture
def tab(tmp_path: Path, browser: Browser) -> Iterator[Callable[..., Writing]]:
    with tabs(browser, tmp_path) as opens:
        yield opens
