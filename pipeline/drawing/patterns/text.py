"""Text: two words with about the same amount of ink on the same sign."""

from pipeline.drawing import backdrop
from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Pen
from pipeline.drawing.things import outside

COUPLES = (
    ("OPEN", "SHUT"), ("PUSH", "PULL"), ("EAST", "WEST"), ("TAXI", "BUS"), ("FISH", "MEAT"), ("SOUP", "CAKE"),
    ("STOP", "GO"), ("EXIT", "WAY IN"), ("SALE", "SOLD"), ("CAFE", "BANK"), ("YES", "NO"), ("HERE", "AWAY"),
)  # fmt: skip


def shop(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    pen.disc(look.cloud, brief.across(0.2), brief.near(0.3, 0.05), 0.34)
    pen.disc(look.hill, brief.across(0.85), brief.near(0.9, 0.05), 0.3)
    word = word_of(brief)
    x, y = brief.across(0.5, 0.02), brief.near(0.54, 0.04)
    pen.line(look.ink, 0.012, (x - 0.3, y - 0.18), (x, 0.1), (x + 0.3, y - 0.18))
    pen.disc(look.ink, x, 0.1, 0.025)
    pen.box(look.main, x - 0.44, y - 0.22, x + 0.44, y + 0.22, rounded=0.05)
    pen.box(look.light, x - 0.41, y - 0.19, x + 0.41, y + 0.19, rounded=0.04)
    pen.words(look.ink, word, x, y, 0.74, 0.26)
    return f"a hanging sign with a {look.main_name} border that reads {word}"


def board(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    horizon = backdrop.outdoors(pen, brief)
    word = word_of(brief)
    outside.tree(pen.at(brief.across(0.88), horizon + 0.12, 0.32), look, look.accent)
    x, y = brief.across(0.47, 0.02), brief.near(0.4, 0.03)
    for dx in (-0.24, 0.24):
        pen.box(look.ink, x + dx - 0.018, y, x + dx + 0.018, horizon + 0.16)
    pen.box(look.main, x - 0.42, y - 0.2, x + 0.42, y + 0.2, rounded=0.04)
    pen.words(look.light, word, x, y, 0.72, 0.26)
    return f"a {look.main_name} board by the wayside that reads {word}"


def poster(pen: Pen, brief: Brief) -> str:
    look = brief.palette
    floor = backdrop.bare_room(pen, brief)
    word = word_of(brief)
    x, y = brief.across(0.48, 0.02), brief.near(0.3 if brief.first else 0.4, 0.02)
    pen.box(look.ink, x - 0.43, y - 0.24, x + 0.43, y + 0.27, rounded=0.02)
    pen.box(look.accent, x - 0.41, y - 0.22, x + 0.41, y + 0.25)
    pen.box(look.main, x - 0.41, y + 0.19, x + 0.41, y + 0.25)
    pen.words(look.light, word, x, y - 0.01, 0.72, 0.25)
    pen.disc(look.hill, brief.across(0.35), floor + 0.13, 0.3, 0.06)
    return f"a framed {look.accent_name} poster that reads {word}"


def word_of(brief: Brief) -> str:
    """Return the word of this variant."""
    one, other = brief.shared.choice(COUPLES)
    return one if brief.first else other


MOTIFS: tuple[Motif, ...] = (shop, board, poster)
