"""Published: pair accuracies of MMVP and MMVP-VLM as papers and repositories give them, to be shown beside our own.

They were measured on those benchmarks' own pairs, by prompts and graders of their own: beside figures of other
questions they show the range to expect, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass

from stages.patterns import PAIRS_EACH, PATTERNS

MMVP, MMVP_VLM = "MMVP", "MMVP-VLM"
EYES = "arXiv 2401.06209, figure 4"
TABLE = "arXiv 2401.06209, table 1"
CAMBRIAN = "arXiv 2406.16860, MMVP column"
HUMAN_NOTE = "the paper's text calls it the mean share of questions, not pairs, that four people got right"
VLM_PAIRS = PAIRS_EACH * len(PATTERNS)


@dataclass(frozen=True)
class Published:
    """A published pair accuracy, from 0 to 1. `right`: pairs right in each pattern, in the order of PATTERNS."""

    name: str
    benchmark: str
    value: float
    source: str
    note: str = ""
    right: tuple[int, ...] = ()

    @property
    def by_pattern(self) -> dict[str, float]:
        """The accuracy in each pattern, where it was published."""
        return {one.name: right / PAIRS_EACH for one, right in zip(PATTERNS, self.right, strict=bool(self.right))}


def _answering(name: str, percent: float, source: str, note: str = "") -> Published:
    return Published(name, MMVP, percent / 100, source, note)


def _table(name: str, *right: int) -> Published:
    """Return a row of table 1: pairs right, of the 15 of each pattern."""
    return Published(name, MMVP_VLM, sum(right) / VLM_PAIRS, TABLE, right=right)


def _repaired(method: str, source: str, **percents: float) -> tuple[Published, ...]:
    """Return the averages of a method that trains CLIP models further, by the model that it began with."""
    return tuple(
        Published(f"{method}: {BACKBONES[key]}", MMVP_VLM, value / 100, source) for key, value in percents.items()
    )


BACKBONES = {
    "l224": "OpenAI ViT-L-14, 224 px",
    "l336": "OpenAI ViT-L-14, 336 px",
    "meta_l": "MetaCLIP ViT-L-14, 224 px",
    "meta_h": "MetaCLIP ViT-H-14, 224 px",
    "so224": "SigLIP ViT-SO-14, 224 px",
    "so384": "SigLIP ViT-SO-14, 384 px",
    "dfn224": "DFN ViT-H-14, 224 px",
    "dfn378": "DFN ViT-H-14, 378 px",
}

HUMAN = _answering("People", 95.7, EYES, HUMAN_NOTE)
ANSWERING = (
    HUMAN,
    _answering("Cambrian-1 34B", 52.7, CAMBRIAN),
    _answering("Cambrian-1 8B", 51.3, CAMBRIAN),
    _answering("GPT-4V, as measured by Cambrian-1", 50.0, CAMBRIAN),
    _answering("Cambrian-1 13B", 41.3, CAMBRIAN),
    _answering("Gemini", 40.7, EYES),
    _answering("GPT-4V", 38.7, EYES, "40.3 with the options swapped, 37.3 with (1) and (2) for letters"),
    _answering("LLaVA-NeXT-8B", 38.7, CAMBRIAN),
    _answering("LLaVA-1.5", 24.7, EYES, "22.7 with a prompt that asks for a letter (tsb0601/MMVP, issue 8)"),
    _answering("Bard", 19.0, EYES),
    _answering("Bing Chat", 17.3, EYES),
    _answering("InstructBLIP", 16.7, EYES),
    _answering("mini-GPT4", 12.7, EYES),
    _answering("LLaVA", 6.0, EYES),
)
MATCHING = (
    _table("OpenAI ViT-L-14, 224 px", 2, 2, 3, 3, 2, 8, 3, 1, 2),
    _table("OpenAI ViT-L-14, 336 px", 0, 3, 6, 3, 1, 3, 5, 1, 5),
    _table("SigLIP ViT-SO-14, 224 px", 4, 3, 8, 6, 3, 10, 6, 3, 8),
    _table("SigLIP ViT-SO-14, 384 px", 3, 4, 9, 5, 2, 10, 5, 4, 8),
    _table("DFN ViT-H-14, 224 px", 3, 4, 11, 4, 4, 10, 7, 2, 8),
    _table("DFN ViT-H-14, 378 px", 2, 3, 8, 5, 4, 10, 6, 3, 6),
    _table("MetaCLIP ViT-L-14, 224 px", 2, 1, 10, 1, 5, 7, 3, 1, 2),
    _table("MetaCLIP ViT-H-14, 224 px", 1, 2, 9, 2, 1, 8, 4, 2, 5),
    _table("EVA01 ViT-g-14, 224 px", 1, 4, 6, 1, 2, 10, 2, 2, 3),
    _table("EVA02 ViT-bigE-14+, 224 px", 2, 3, 10, 4, 4, 10, 4, 3, 5),
    *_repaired("DIVA", "baaivision/DIVA @d53c668", l224=25.9, l336=25.2, meta_l=27.4, meta_h=31.9),
    *_repaired("DIVA", "baaivision/DIVA @d53c668", so224=40.7, so384=38.5, dfn224=43.7, dfn378=37.8),
    *_repaired("GenHancer", "Gen4Rep @2ebbcbe", l224=31.9, l336=29.6, meta_l=31.9, meta_h=37.0, so224=42.2, so384=40.0),
    *_repaired("DCR", "boyuh/DCR @c16d885", l224=33.3, l336=31.1, meta_l=32.6, meta_h=37.8, so224=43.0, so384=42.2),
)
PUBLISHED = (*ANSWERING, *MATCHING)
