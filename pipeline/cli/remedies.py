"""Remedies: name the option that helps, which the rooms below the command line do not know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from manifests.errors import Refused


@contextmanager
def naming_redo() -> Iterator[None]:
    """Have the refusal of a step with other settings, files or inputs name --redo."""
    from pipeline.run.growth import StepDiffers

    try:
        yield
    except StepDiffers as error:
        others = f". {error.others}, or" if error.others else ";"
        again = f"use `blindpairs run` with --redo {error.step} to make it and the steps after it again"
        raise Refused(f"{error.why}{others} {again}") from error
