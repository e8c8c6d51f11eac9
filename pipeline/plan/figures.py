"""Figures: the numbers of a plan, in the units that a person would use."""

from __future__ import annotations

LEAST_S = LEAST_HOURS = 0.01
COUNTED = 1_000_000  # below this a number is written out


def duration(seconds: float) -> str:
    """Format seconds as seconds, minutes, hours or days."""
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:,.1f} {name}"
    return f"{seconds:.2g} s" if seconds >= LEAST_S else f"under {LEAST_S:g} s"


def size(count: float) -> str:
    """Format bytes in powers of 1,024, as recipes give memory in GiB."""
    for power, name in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if count >= 1 << power:
            return f"{count / (1 << power):,.1f} {name}"
    return f"{count:.0f} bytes"


def number(value: float) -> str:
    """Format a number with three digits, or with all digits before the decimal point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def count_text(count: int) -> str:
    """Format a count with all its digits, or as a power of ten if it has many."""
    return f"{count:,}" if count < COUNTED else f"{count:.3g}"


def share_text(share: float) -> str:
    """Format a share of a whole: in percent, or as one of so many if it is small."""
    if share <= 0:
        return "none"
    return f"{100 * share:.2g} %" if share >= 0.001 else f"1 in {float(f'{1 / share:.2g}'):,.0f}"
