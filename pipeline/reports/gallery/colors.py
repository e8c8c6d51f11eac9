"""Colors: the colors of the figures, and how a drawing takes on the page's own colors and font.

Figures are drawn in placeholder colors that are replaced by CSS variables, so that the same drawing follows
the reader's light or dark theme.
"""

import re
from html import escape

# Placeholder colors, unlikely enough to be replaced blindly, and the CSS variable each becomes.
INK, FAINT, GROUND = "#01fe01", "#01fe02", "#01fe03"
BLIND, REFERENCE, RANDOM = "#01fe04", "#01fe05", "#01fe06"
ON_PALE, ON_DEEP = "#01fe07", "#01fe08"
HEAT = tuple(f"#01fe1{level}" for level in range(8))
VARIABLES = {
    INK: "ink",
    FAINT: "faint",
    GROUND: "card",
    BLIND: "blind",
    REFERENCE: "reference",
    RANDOM: "random",
    ON_PALE: "on-pale",
    ON_DEEP: "on-deep",
} | {color: f"heat-{level}" for level, color in enumerate(HEAT)}
DEEP_FROM = 5  # heat levels from here on need the other text color


def themed(text: str, name: str) -> str:
    """Return only the <svg> element, named for a screen reader, in the page's own colors and font."""
    text = text[text.index("<svg") :]
    used = set(re.findall(r"""(?:url\(|href=")#([\w-]+)""", text))
    text = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--sans)", text)
    # An inline <style> would apply to the entire page.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r"#01fe\d\d", lambda found: f"var(--{VARIABLES[found[0]]})", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(name)}" ', 1)
