"""One browser for all tests of pages that one process runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from world.browser import opened_browser


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    if request.config.getoption("--without-processes"):
        pytest.skip("starts a browser")  # refused only while it starts, Playwright would leave its event loop broken
    with opened_browser() as one:
        yield one
