"""The authors' page as a person at a keyboard sees it, and all that a browser complains of while they do."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Dialog, FloatRect, Locator, Page, expect
from world.processes import PATIENCE_S

FIELDS = ("question", "option_a", "option_b", "left_statement", "right_statement")
WATCH = """
document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective}`));
window.open = (url) => console.error(`opened ${url}`);
"""

PATIENCE_MS = 1000 * PATIENCE_S
expect.set_options(timeout=PATIENCE_MS)


class Writing:
    """A tab with the authors' page. `complaints`: errors, refused loads and dialogs, of which there should be none."""

    def __init__(self, context: Browser | BrowserContext, url: str, **window: Any) -> None:
        self.page: Page = context.new_page(**window)
        self.page.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        self.page.on("dialog", self._answered)
        self.page.add_init_script(WATCH)
        self.page.goto(url)

    def _answered(self, dialog: Dialog) -> None:
        """Leave the page if that is what is asked; a page that asks anything else is not this one."""
        if dialog.type != "beforeunload":
            self.complaints.append(f"dialog: {dialog.message}")
        dialog.accept()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def write(self, *texts: str) -> None:
        """Put these into the field that has the focus and those after it, Enter in between, and leave the last."""
        for place, text in enumerate(texts):
            self.press(*(["Enter"] if place else []))
            if self.page.evaluate("document.activeElement.type") == "radio":  # between the options and the statements
                self.press("Enter")
            self.page.keyboard.insert_text(text)  # at once, as an input method does: typing is slow
        self.press("Escape")

    def field(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def is_at(self, place: int) -> None:
        """Wait until the pair in this place (from 1) is shown."""
        expect(self.page.locator("#place")).to_have_text(re.compile(rf"^Pair {place:,} of "))

    def is_saved(self) -> None:
        """Wait until the server has all that was written."""
        expect(self.page.locator("#state")).to_have_text("Saved")

    def is_told(self, text: str) -> None:
        """Wait until the page has told this."""
        expect(self.page.locator("#told")).to_contain_text(text)

    def is_pressed(self, name: str, pressed: bool = True) -> None:
        expect(self.button(name)).to_have_attribute("aria-pressed", str(pressed).lower())

    def has(self, **values: str) -> None:
        """Wait until these fields have these values."""
        for name, value in values.items():
            expect(self.field(name)).to_have_value(value)


def overlap(one: FloatRect | None, other: FloatRect | None) -> bool:
    """Whether two boxes that are shown share a place."""
    assert one
    assert other
    across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
    return across and one["y"] < other["y"] + other["height"] and other["y"] < one["y"] + one["height"]
