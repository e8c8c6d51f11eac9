"""Frozen lineage: the lineages of everything that a version of the questions was made from, kept with the version.

A run's pairs are made anew when its thresholds change, and their lineage then says nothing of what was frozen before.
"""

from __future__ import annotations

from collections.abc import Iterable

from manifests.lineage import Lineage
from manifests.manifest import Manifest
from pipeline.run.layout import ORDER
from pipeline.run.run import Run

FROZEN = "run"  # its name in the external state of a version


def lineages(run: Run, steps: Iterable[str]) -> dict[str, Lineage]:
    """Return the current lineages of these steps and of all that they were made from, first the steps made first."""
    found, needed = dict[str, Lineage](), {*steps}
    for name in reversed(ORDER):
        if name in needed and run.has(name):
            found[name] = run.manifest(name).lineage
            needed |= {*found[name].inputs}
    return {name: found[name] for name in ORDER if name in found}


def frozen_lineages(version: Manifest | Lineage) -> dict[str, Lineage]:
    """Return the lineages kept with a version of the questions; empty for versions that keep none."""
    lineage = version if isinstance(version, Lineage) else version.lineage
    return {name: Lineage.from_json(value) for name, value in lineage.external_state.get(FROZEN, {}).items()}


def lineages_of(run: Run, version: Manifest) -> dict[str, Lineage]:
    """Return the lineages of what a version was made from.

    For a version that keeps none they are the run's current ones, without a step that was made anew since.
    """
    if frozen := frozen_lineages(version):
        return frozen
    inputs = version.lineage.inputs
    return {
        name: lineage
        for name, lineage in lineages(run, ORDER).items()
        if name not in inputs or run.manifest(name).content_at(inputs[name]) is not None
    }
