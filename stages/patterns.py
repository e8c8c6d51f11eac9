"""Patterns: the nine things to which MMVP found CLIP blind, and what MMVP's files call them.

Source: "Eyes Wide Shut?" (arXiv 2401.06209), section 3.1 and the appendix "Visual Patterns for CLIP"; folders as
published in MMVP_VLM, in the order of their question ids, 15 pairs each.
"""

from __future__ import annotations

from dataclasses import dataclass

PAIRS_EACH = 15  # in MMVP-VLM


@dataclass(frozen=True)
class Pattern:
    """One pattern: our name for it, the paper's, the folder and `Type` in MMVP-VLM, and what it asks."""

    name: str
    title: str
    folder: str
    asks: str


PATTERNS = (
    Pattern("orientation", "Orientation and Direction", "Orientation", "which way something faces or moves"),
    Pattern("presence", "Presence of Specific Features", "Presence", "whether something is there or not"),
    Pattern("state", "State and Condition", "State", "what state it is in: open, lit, asleep, flying"),
    Pattern("count", "Quantity and Count", "Quantity", "how many there are"),
    Pattern("position", "Positional and Relational Context", "Spatial", "where it is, and next to what"),
    Pattern("colour", "Color and Appearance", "Color", "its colours and its look"),
    Pattern(
        "structure", "Structural and Physical Characteristics", "Structural Character", "how it is built and shaped"
    ),
    Pattern("text", "Text", "Text", "what is written on it"),
    Pattern("viewpoint", "Viewpoint and Perspective", "Camera Perspective", "from where the camera looks"),
)
BY_NAME = {pattern.name: pattern for pattern in PATTERNS}
BY_FOLDER = {pattern.folder: pattern for pattern in PATTERNS}
