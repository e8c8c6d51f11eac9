"""The figures: every label is inside its figure, whatever the threshold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.font_manager import FontProperties, findfont
from PIL import ImageFont

from pipeline.reports.gallery.figures import distribution

THRESHOLDS = [round(-0.9 + 0.1 * step, 1) for step in range(20)]
SHIFTS = {"start": 0.0, "middle": 0.5, "end": 1.0}


def histogram(threshold: float, *, near: bool) -> str:
    cosines = np.random.default_rng(5).uniform(-0.2, 0.99, 300)
    label = f"{'near: ≥' if near else 'far: <'} {threshold:g}"
    return distribution(cosines, cosines / 2, threshold=threshold, near=near, label=label, name="cosines")


def spans(svg: str) -> Iterator[tuple[str, float, float, float]]:
    """Each text of a drawing, where it begins and ends in its widest likely font, and the width of the drawing."""
    tree = ElementTree.fromstring(svg)
    width = float(tree.attrib["viewBox"].split()[2])
    for text in tree.iter("{http://www.w3.org/2000/svg}text"):
        style = text.attrib["style"]
        size = re.search(r"([\d.]+)px", style)
        anchor = re.search(r"text-anchor: (\w+)", style)
        assert size
        font = findfont(FontProperties("DejaVu Sans", weight=700 if re.search(r"\b(700|bold)\b", style) else 400))
        length = ImageFont.truetype(font, 100).getlength(text.text or "") * float(size[1]) / 100
        place = re.search(r"translate\(([-\d.]+)", text.attrib.get("transform", ""))
        at = float(text.attrib.get("x", 0)) or float(place[1] if place else "nan")
        start = at - SHIFTS[anchor[1] if anchor else "start"] * length
        yield text.text or "", start, start + length, width


@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_every_label_of_a_histogram_lies_inside_it(threshold: float, near: bool) -> None:
    found = list(spans(histogram(threshold, near=near)))
    assert f"{threshold:g}" in found[-1][0], "the threshold's own label is one of them"
    assert [one for one in found if not 0 <= one[1] < one[2] <= one[3]] == []
