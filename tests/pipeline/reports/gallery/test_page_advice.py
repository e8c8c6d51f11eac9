"""What a hostile reader tried here, and what must hold."""

from __future__ import annotations

import re

from pipeline.reports.gallery.page import source


def test_each_advised_setting_has_its_own_set() -> None:
    for text in re.findall(r"<code>(--set[^<]*)</code>", source("evidence.html.j2")):
        assert text.count("--set") == text.count("="), text
