"""One browser for all tests of the pages that one process runs, and tabs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from world.browser import opened_browser, tabs
from world.pages import Writing


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    if request.config.getoption("--without-processes"):
        pytest.skip("starts a browser")  # refused only while it starts, Playwright would leave its event loop broken
    with opened_browser() as one:
        yield one


@pytest.fixture
def tab(tmp_path: Path, browser: Browser) -> Iterator[Callable[..., Writing]]:
    with tabs(browser, tmp_path) as opens:
        yield opens
