"""Write the generated parts of every page: `python -m tests.docs`."""

from __future__ import annotations

from . import PAGES, rendered

for page in PAGES.values():
    page.write_text(rendered(page.read_text()))
