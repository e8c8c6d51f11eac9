"""Summary: the result of a parity check, in a table for a person and complete for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor
from typing import Any

from pipeline.reports.parity.result import EncoderParity, PairsAt, PairsMoved, Parity
from stages.text import plain_lines, table

SHOWN = 10  # pictures listed by name


@dataclass(frozen=True)
class ParitySummary:
    """A parity check, for a person (`str`) and for a program (`to_json`)."""

    parity: Parity

    def to_json(self) -> dict[str, Any]:
        return self.parity.to_json()

    def __str__(self) -> str:
        found = self.parity
        lines = [
            _title(found),
            *_encoders(found),
            *_rejected(found),
            *_pairs(found),
            *_preprocessings(found),
            _verdict(found),
        ]
        return plain_lines(lines)


def down(cosine: float) -> str:
    """Return a cosine to eight decimals, rounded down: 0.999999999 is not 1."""
    return f"{floor(cosine * 1e8 + 1e-6) / 1e8:.8f}"


def _title(found: Parity) -> str:
    which = f"{found.images:,} drawn images" if found.source is None else f"{found.images:,} of {found.source}"
    return (
        f"parity of {found.run}: {which} (seed {found.seed}), the embed step against each library's own path, "
        "float32 on the CPU, one image at a time"
    )


def _encoders(found: Parity) -> Iterator[str]:
    head = (
        "encoder",
        "images",
        "lowest cosine",
        "median",
        "must reach",
        "verdict",
        "unlike",
        "the step",
        "the reference",
    )
    yield from table(head, [_cells(encoder) for encoder in found.encoders])
    yield "unlike: the median cosine of two of the images; near 1, a wrong vector could pass"
    for encoder in found.encoders:
        yield f"lowest of {encoder.name}: {encoder.worst}"


def _cells(one: EncoderParity) -> tuple[str, ...]:
    verdict = "same" if one.same else "NOT THE SAME"
    cosines = down(one.lowest), down(one.median), f"{one.floor:g}"
    return (one.name, f"{one.images:,}", *cosines, verdict, f"{one.unlike:.2f}", one.computed, one.what)


def _rejected(found: Parity) -> Iterator[str]:
    both = found.rejected.both
    if both:
        reasons = Counter(why.split(":")[0] for why in both.values()).most_common()
        yield f"rejected by both: {len(both):,} ({', '.join(f'{word} {count:,}' for word, count in reasons)})"
    yield from _named("rejected by the step alone", found.rejected.step)
    yield from _named("rejected by a library alone", found.rejected.reference)


def _named(sort: str, pictures: Mapping[str, str]) -> Iterator[str]:
    if pictures:
        first = f", the first {SHOWN} of them:" if len(pictures) > SHOWN else ":"
        yield f"{sort}: {len(pictures):,}{first}"
        yield from (f"  {name}: {' '.join(why.split())}" for name, why in list(pictures.items())[:SHOWN])


def _pairs(found: Parity) -> Iterator[str]:
    pairs = found.pairs
    compared = f"{pairs.images:,} images, {pairs.comparisons:,} comparisons"
    yield f"pairs by their thresholds alone (blind {found.roles[0]}, reference {found.roles[1]}; {compared}):"
    head = ("blind", "reference", "by the libraries", "by the step", "lost", "gained", "open")
    yield from table(head, [_pair_cells(at, pairs.comparison) for at in pairs.at])
    yield (
        f"largest change of a cosine of two images: blind {pairs.blind_change:.1e}, "
        f"reference {pairs.reference_change:.1e}; open: so near a threshold that this may decide"
    )
    if len(pairs.at) > 1:
        some = any(at.by_reference or at.by_step for at in pairs.at)
        yield "the recipe's thresholds give no pair here; " + (
            "the lower ones below them show what changes"
            if some
            else "nor do the lower ones, so of pairs this says nothing: compare more --images, or your own --photos"
        )


def _pair_cells(at: PairsAt, comparison: str) -> tuple[str, ...]:
    counts = (at.by_reference, at.by_step, at.lost, at.gained, at.open)
    return (*_thresholds(at, comparison), *(f"{count:,}" for count in counts))


def _preprocessings(found: Parity) -> Iterator[str]:
    """Say how far each preprocessing that was not requested is from the requested one."""
    for one in found.preprocessings:
        yield (
            f"preprocessing of {one.encoder}, {one.other} instead of {one.own}: the cosine of the two vectors of an "
            f"image is {down(one.lowest)} or more ({one.worst}), median {down(one.median)}, {one.images:,} images"
        )
        head = ("blind", "reference", f"pairs by {one.own}", f"by {one.other}", "lost", "gained")
        if one.pairs:
            yield from table(head, [_moved_cells(at, found.pairs.comparison) for at in one.pairs])


def _moved_cells(at: PairsMoved, comparison: str) -> tuple[str, ...]:
    counts = (at.by_own, at.by_other, at.lost, at.gained)
    return (*_thresholds(at, comparison), *(f"{count:,}" for count in counts))


def _thresholds(at: PairsAt | PairsMoved, comparison: str) -> tuple[str, str]:
    return f"{comparison} {at.blind_min:g}", f"< {at.reference_max:g}"


def _verdict(found: Parity) -> str:
    if found.faithful:
        return "the embed step is faithful on this machine"
    odd = [f"{one.name} ({down(one.lowest)}, must reach {one.floor:g})" for one in found.encoders if not one.same]
    alone = len(found.rejected.step) + len(found.rejected.reference)
    odd += [f"{alone:,} images rejected by one side alone"] if alone else []
    return f"the embed step is NOT faithful on this machine: {', '.join(odd)}"
