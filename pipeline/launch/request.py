"""Request: a recipe with changed settings, checked: which steps are wanted, and in which folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from manifests.draft import PLAN
from manifests.errors import Refused
from manifests.manifest import COMMIT
from manifests.storage import Folder
from pipeline.config.changes import Change
from pipeline.config.loading import Recipe, named_values, read_config, recipe_name
from pipeline.config.settings import Config
from pipeline.run.layout import GALLERY, ORDER
from pipeline.run.prior_settings import as_begun
from pipeline.run.recipe import Step, steps
from stages.download.overlap import would_read, would_write
from stages.text import did_you_mean


@dataclass(frozen=True)
class Request:
    """What is to be made: the run's settings, its folder, and its steps in order."""

    recipe: str  # what the person called it
    config: Config
    folder: Folder
    steps: Sequence[Step]
    kept: str  # what of the run is kept although its preset changed, in a sentence; "" if nothing


def request(
    recipe: Recipe, changes: Sequence[Change], root: str, name: str | None = None, until: str | None = None
) -> Request:
    """Read a recipe and check it. `name`: the run's, the recipe's by default; `until`: the last step wanted.

    Raises Refused for invalid settings, an unknown step, and a run that lies inside one of its own sources.
    """
    config = read_config(recipe, changes, name)
    folder = Folder(root) / config.run
    config, kept = as_begun(config, folder, named_values(recipe, changes))
    wanted = steps(config)
    _check_apart(config, folder)
    names = [step.name for step in wanted]
    if until is not None and until not in names:
        hint = did_you_mean(until, names)
        raise Refused(f"until {until}: there is no such step; {hint}steps are: {', '.join(names)}")
    wanted = wanted[: names.index(until) + 1] if until else wanted
    return Request(recipe_name(recipe), config, folder, wanted, kept)


def _check_apart(config: Config, run: Folder) -> None:
    """Refuse a run that lies where one of its own sources would read it: what it writes would be read again."""
    written = [GALLERY, *(f"{step}/{name}" for step in ORDER for name in (PLAN, COMMIT, "00000.parquet"))]
    for source in config.images.sources:
        if would_read(source, run.url, written):
            raise Refused(f"{run.url} lies inside the source {source.name} ({source.uri}); choose another root")
        if would_write(source, run.url):
            raise Refused(
                f"source {source.name}: what is fetched must not lie in the run {run.url}; choose another into"
            )
