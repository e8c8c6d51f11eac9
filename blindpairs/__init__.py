"""blindpairs in Python: open a run, read its tables and images, show its pairs, make new runs.

    import blindpairs

    run = blindpairs.open("demo/runs/demo")
    run.pairs().to_pandas().head()
    run.show(1)

Tables are pyarrow tables; `.to_pandas()` converts them to data frames. Errors are BlindpairsError or its subclasses.
Their text says what is wrong, where, and what to do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from blindpairs._run import Run
from manifests.errors import BlindpairsError, Damaged, NotCommitted, Refused, TasksFailed, Unbalanced, Waiting

if TYPE_CHECKING:  # loaded when used, so that the import is quick
    from pipeline.reports.leaderboard.summary import ScoresSummary

__all__ = [
    "BlindpairsError",
    "Damaged",
    "NotCommitted",
    "Refused",
    "Run",
    "TasksFailed",
    "Unbalanced",
    "Waiting",
    "__version__",
    "evaluate",
    "open",
    "run",
]

__version__ = version("blindpairs")


def open(url: str | os.PathLike[str]) -> Run:
    """Open the run in this folder: a path, or an fsspec URL such as s3://bucket/runs/mmvp.

    Raises Refused if the folder is not a run, or if images are being removed from it.
    """
    from pipeline.run.run import Run as _Run

    return Run(_Run.open(os.fspath(url)))


def run(
    recipe: str | os.PathLike[str] | Mapping[str, Any],
    *,
    root: str | os.PathLike[str] = "runs",
    name: str | None = None,
    until: str | None = None,
    offline: bool = False,
    ray: str | None = None,
    retry_failed: bool = False,
    redo: str | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Run:
    """Make a run, as the command `blindpairs run` does, and return it. The same call resumes one that was stopped.

    `recipe`: a preset's name, the path of a YAML file, or the settings as a mapping. `root`: the folder or fsspec URL
    that contains the run's folder. `name`: the run's name, the recipe's by default. `until`: the last step to make.
    `offline`: contact no model hub. `ray`: "off", "local", or a cluster's address. `retry_failed`: request failed URLs
    again. `redo`: a step to make again in place, with those after it. `quiet`: show no progress on stderr. `settings`:
    changes by dotted name, such as `**{"filter.blind_min": 0.96}`.

    Workers are new processes that import your script: call this under `if __name__ == "__main__":`. Raises Refused
    before any work if settings are wrong or do not fit the existing run, TasksFailed if tasks failed.
    """
    from pipeline.config.changes import Setting
    from pipeline.launch.launch import make

    read = recipe if isinstance(recipe, Mapping) else os.fspath(recipe)
    changes = [Setting(setting, value) for setting, value in settings.items()]
    how = {"retry_failed": retry_failed, "quiet": quiet}
    return open(make(read, changes, os.fspath(root), name, until, offline, ray, redo=redo, **how).run)


def evaluate(
    run: str | os.PathLike[str] | Run,
    models: Mapping[str, Mapping[str, Any]],
    *,
    questions: int | None = None,
    offline: bool = False,
    ray: str | None = None,
    quiet: bool = False,
    **settings: Any,
) -> ScoresSummary:
    """Ask models the frozen questions of a run, as the command `blindpairs evaluate` does, and return their scores.

    `models`: your name for a model -> its settings, such as `{"kind": "open_clip", "model": "ViT-L-14-quickgelu",
    "pretrained": "openai"}`. `questions`: the version, by default the newest. `settings`: changes by dotted name, such
    as `reader="cambrian"`. The same call goes on after a stop, and another one adds models. Call it under
    `if __name__ == "__main__":`. Raises Refused before anything is asked, Waiting if nothing is frozen, TasksFailed if
    some questions got no reply; all other replies are kept.
    """
    from pipeline.config.changes import Setting
    from pipeline.launch.evaluate import evaluate as ask_and_score
    from pipeline.launch.evaluate import of_models

    url = run.url if isinstance(run, Run) else os.fspath(run)
    changes = [Setting(setting, value) for setting, value in settings.items()]
    wanted = of_models(url, models, version=questions, changes=changes)
    return ask_and_score(wanted, ray, offline=offline, quiet=quiet)
