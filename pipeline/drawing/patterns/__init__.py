"""The nine patterns of MMVP (Tong et al. 2024, appendix "Visual Patterns for CLIP"), each with its motifs."""

from pipeline.drawing.brief import Motif
from pipeline.drawing.patterns import (
    colour,
    count,
    orientation,
    position,
    presence,
    state,
    structure,
    text,
    viewpoint,
)

MOTIFS: dict[str, tuple[Motif, ...]] = {
    "orientation": orientation.MOTIFS,
    "presence": presence.MOTIFS,
    "state": state.MOTIFS,
    "count": count.MOTIFS,
    "position": position.MOTIFS,
    "colour": colour.MOTIFS,
    "structure": structure.MOTIFS,
    "text": text.MOTIFS,
    "viewpoint": viewpoint.MOTIFS,
}
