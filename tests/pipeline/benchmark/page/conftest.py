"""Tabs of the authoring page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from world.browser import tabs
from world.pages import Writing


@pytest.fixture
def tab(tmp_path: Path, browser: Browser) -> Iterator[Callable[..., Writing]]:
    with tabs(browser, tmp_path) as opens:
        yield opens
