"""Make: what `plan` and `presets` do, without the command line."""

from __future__ import annotations

from collections.abc import Sequence

from manifests.errors import Refused
from pipeline.config.loading import PRESETS, preset_names, unknown_preset
from pipeline.launch.offline import hub_closed
from pipeline.launch.request import request
from pipeline.plan.planning import imagined, planned
from pipeline.plan.summary import PlanSummary


def plan(
    recipe: str,
    changes: Sequence[str],
    root: str,
    name: str | None,
    until: str | None,
    offline: bool,
    images: int | None,
    measure: bool = True,
) -> PlanSummary:
    """What a run would do to each step, and what embedding and search will take; of `images` images if told how many.

    `measure`: the embed step is run on drawn photos to know its rate, for less than a minute.
    """
    with hub_closed(offline or bool(images)):
        if images:  # no source is looked at, so a preset need not be told of one; and weights are, but no hub is asked
            wanted = request(recipe, ["images.sources.0.uri=none", *changes], root, name)
            return imagined(wanted.config, wanted.steps, wanted.folder, images, measure=measure)
        wanted = request(recipe, changes, root, name, until)
        return planned(wanted.config, wanted.steps, wanted.folder, measure=measure)


def presets(name: str | None) -> str:
    """The presets' names, or one preset's text."""
    if name is None:
        return "\n".join(preset_names())
    if name not in preset_names():
        raise Refused(unknown_preset(name))
    return (PRESETS / f"{name}.yaml").read_text().rstrip()
