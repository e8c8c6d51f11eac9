"""What tests of all report pages share: a page opened from its file in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from world.browser import Opened


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Open HTML from a file; it may ask for nothing else, and its script may not fail."""
    contexts, asked, failed = [], [], []

    def see(html: str, width: int, *, script: bool = True, at: str = "", scheme: str = "light") -> Page:
        (tmp_path / "report.html").write_text(html)
        view = {"width": width, "height": 800}
        context = browser.new_context(viewport=view, java_script_enabled=script, color_scheme=scheme)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: failed.append(str(error)))
        tab.goto(f"file://{tmp_path}/report.html{at}")
        return tab

    yield see
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
    assert failed == []
