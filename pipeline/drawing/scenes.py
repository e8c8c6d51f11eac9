"""Scenes: the demo's images one after another, drawn on request. The public interface of this folder.

Nine in ten belong to planted pairs: two drawings with the same colors in about the same areas that differ in one
of MMVP's nine patterns. The rest is what any collection contains: images without a partner, exact copies, re-saved
copies of lower quality, and files that are not images. Every scene can be drawn by itself from its key and the
seed, so a stream of any length needs no memory, and a long stream begins with the pairs of a short stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from random import Random

from PIL import Image

from pipeline.drawing.brief import Brief
from pipeline.drawing.canvas import Paper
from pipeline.drawing.palette import palette
from pipeline.drawing.patterns import MOTIFS

PATTERNS = tuple(MOTIFS)
KINDS = ("single", "copy", "resaved", "broken")
SINGLES_FROM = 1_000_000  # singles take their palettes from here on, so that no pair has the same palette
RESAVED_QUALITY = 60


@dataclass(frozen=True)
class Scene:
    """One image of the demo, encoded."""

    key: str  # "orientation-007-a" (its partner: "-b"), "single-003", "copy-001", "resaved-002", "broken-000"
    caption: str  # a true description of what is drawn
    pattern: str | None  # one of PATTERNS; None where nothing is planted
    partner: str | None  # the key of the planted partner
    data: bytes  # the encoded file: JPEG, or anything for a broken scene


@dataclass(frozen=True)
class Quota:
    """How many scenes there are of each kind; `pairs` is the number per pattern, of nine patterns."""

    pairs: int
    single: int
    copy: int
    resaved: int
    broken: int

    @classmethod
    def of(cls, count: int) -> "Quota":
        pairs = count * 9 // 10 // (2 * len(PATTERNS))
        copies, resaved, broken = count * 8 // 600, count // 100, count // 100
        single = count - pairs * 2 * len(PATTERNS) - copies - resaved - broken
        return cls(pairs, single, copies, resaved, broken)


def scenes(count: int = 600, seed: int = 2024) -> Iterator[Scene]:
    """Yield `count` scenes in the order of `keys`. The same arguments give the same bytes."""
    for key in keys(count):
        yield scene(key, count, seed)


def keys(count: int) -> Iterator[str]:
    """Yield the keys of all scenes: pairs first, partners next to each other, then the kinds without partners."""
    quota = Quota.of(count)
    for number in range(quota.pairs):
        for pattern in PATTERNS:
            yield f"{pattern}-{number:03}-a"
            yield f"{pattern}-{number:03}-b"
    for kind in KINDS:
        for number in range(getattr(quota, kind)):
            yield f"{kind}-{number:03}"


def scene(key: str, count: int, seed: int) -> Scene:
    """Draw the scene of this key among `count` scenes."""
    kind, number, *_ = key.split("-")
    if kind in PATTERNS:
        caption, data = _planted(key, seed)
        return Scene(key, caption, kind, partner_of(key), data)
    caption, data = _unplanted(kind, int(number), Quota.of(count), seed)
    return Scene(key, caption, None, None, data)


def partner_of(key: str) -> str:
    """Return the other key of a planted pair."""
    return key[:-1] + ("b" if key.endswith("a") else "a")


def _unplanted(kind: str, number: int, quota: Quota, seed: int) -> tuple[str, bytes]:
    if kind == "copy":
        return _source(number, quota, seed)
    if kind == "resaved":
        caption, data = _source(quota.copy + number, quota, seed)
        return caption, _resaved(data)
    if kind == "broken":
        return _broken(number, seed)
    return _single(number, seed)


def _planted(key: str, seed: int) -> tuple[str, bytes]:
    pattern, number, side = key.split("-")
    place = int(number) * len(PATTERNS) + PATTERNS.index(pattern)
    return _drawing(pattern, int(number), place, side, seed)


def _single(number: int, seed: int) -> tuple[str, bytes]:
    pattern = PATTERNS[number % len(PATTERNS)]
    return _drawing(pattern, number // len(PATTERNS), SINGLES_FROM + number, "ab"[number % 2], seed)


def _drawing(pattern: str, number: int, place: int, side: str, seed: int) -> tuple[str, bytes]:
    """Draw one side of the pair whose palette has this place in the sequence; return its caption and JPEG."""
    shared = Random(f"{seed} {place}")
    look = palette(place + seed, shared)
    # a coin toss decides which variant is side a; otherwise every a would face the same way
    first = (side == "a") == (shared.random() < 0.5)
    brief = Brief(look, first, shared, Random(f"{seed} {place} {side}"))
    paper = Paper(look.sky)
    motifs = MOTIFS[pattern]
    caption = motifs[number % len(motifs)](paper.pen, brief).replace("a orange", "an orange")
    return caption, paper.jpeg()


def _source(number: int, quota: Quota, seed: int) -> tuple[str, bytes]:
    """Draw the earlier scene that copy `number` is made from: a single or one side of a pair, alternately."""
    if number % 2 == 0 and number < quota.single:
        return _single(number, seed)
    if quota.pairs == 0:
        return _single(number % max(1, quota.single), seed)
    pattern = PATTERNS[number % len(PATTERNS)]
    return _planted(f"{pattern}-{number // len(PATTERNS) % quota.pairs:03}-a", seed)


def _resaved(data: bytes) -> bytes:
    stream = BytesIO()
    with Image.open(BytesIO(data)) as image:
        image.save(stream, "JPEG", quality=RESAVED_QUALITY)
    return stream.getvalue()


def _broken(number: int, seed: int) -> tuple[str, bytes]:
    """Make a file that no decoder can read, of one of six kinds."""
    _, whole = _single(number, seed)
    kinds = (
        ("an empty file", b""),
        ("a JPEG cut off in the middle", whole[: len(whole) // 3]),
        ("a text in a file that is named like an image", b"This is not an image.\n"),
        ("the page of a web server that no longer has the image", b"<html><h1>404 Not Found</h1></html>\n"),
        ("a JPEG whose first kilobyte was overwritten", b"\0" * 1024 + whole[1024:]),
        ("a PNG of which only the first bytes arrived", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    )
    return kinds[number % len(kinds)]
