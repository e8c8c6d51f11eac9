"""Evaluate: ask models a benchmark's questions, score what they reply, and write the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.errors import NotCommitted, Refused, TasksFailed, Waiting
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.config.changes import Change
from pipeline.config.evaluation import Evaluation, named_model, read_evaluation
from pipeline.config.loading import Recipe, recipe_name
from pipeline.executors.choice import executor_for
from pipeline.executors.executor import Executor
from pipeline.launch.offline import hub_closed
from pipeline.reports.leaderboard.summary import ScoresSummary, scores_of
from pipeline.reports.leaderboard.write import write_leaderboard
from pipeline.run.evaluation import asked_and_predicted, asking_steps, evaluation_folder, scoring_steps
from pipeline.run.events.broadcast import broadcast
from pipeline.run.growth import StepDiffers
from pipeline.run.layout import PREDICTIONS, REPLIES
from pipeline.run.run import Run
from pipeline.run.runner import run as run_steps
from stages.evaluate.replies import drop_replies
from stages.models.answering.settings import Server

RENAME = "Give the model another name to keep both"


@dataclass(frozen=True)
class EvaluationRequest:
    """What is to be evaluated, checked: the settings, and the folder of the evaluation."""

    recipe: str  # what the person called it
    config: Evaluation
    folder: Folder


def of_run(
    url: str,
    models: Sequence[str],
    *,
    version: int | None = None,
    prompt: str | None = None,
    changes: Sequence[Change] = (),
) -> EvaluationRequest:
    """Return the request to ask models (config/evaluation.py: FORM) the questions of a run, by default the newest.

    Raises Refused, or Waiting if nothing is frozen yet.
    """
    return of_models(url, _named(models, prompt), version=version, changes=changes)


def of_models(
    url: str, models: Mapping[str, Any], *, version: int | None = None, changes: Sequence[Change] = ()
) -> EvaluationRequest:
    """Return the request as `of_run` does, of models whose settings are given as mappings."""
    number, _ = Run.open(url).questions(version)
    benchmark = {"kind": "run", "uri": url.rstrip("/"), "version": number}
    return _request(benchmark, models, Folder(url.rstrip("/")) / f"evaluation-{number}", changes)


def of_files(
    source: str,
    kind: str,
    models: Sequence[str],
    to: str,
    *,
    images: str | None = None,
    prompt: str | None = None,
    changes: Sequence[Change] = (),
) -> EvaluationRequest:
    """Return the request to ask models the questions of a published benchmark of this kind; `to`: the new folder."""
    benchmark = {"kind": kind, "uri": source} | ({} if images is None else {"images": images})
    return _request(benchmark, _named(models, prompt), Folder(to.rstrip("/")), changes)


def of_recipe(recipe: Recipe, to: str | None = None, changes: Sequence[Change] = ()) -> EvaluationRequest:
    """Return the request that a recipe describes; `to`: the folder, if the benchmark is not a run's questions."""
    config = read_evaluation(recipe, changes)
    if config.benchmark.kind == "run":
        folder = Folder(config.benchmark.uri.rstrip("/")) / f"evaluation-{config.benchmark.version}"
        if to is not None:
            raise Refused(
                f"--to does not apply to a run's questions, which are evaluated in {folder.url}; leave it out"
            )
        return EvaluationRequest(recipe_name(recipe), config, folder)
    if to is None:
        raise Refused(f"{recipe_name(recipe)}: name a folder for the evaluation of {config.benchmark.uri} (--to)")
    return EvaluationRequest(recipe_name(recipe), config, Folder(to.rstrip("/")))


def _request(
    benchmark: Mapping[str, Any], models: Mapping[str, Any], folder: Folder, changes: Sequence[Change]
) -> EvaluationRequest:
    if not models:
        raise Refused("name at least one model to ask, such as oracle=oracle or clip=open_clip:MODEL")
    config = read_evaluation({"benchmark": dict(benchmark), "models": dict(models)}, changes)
    return EvaluationRequest("the command line", config, folder)


def _named(models: Sequence[str], prompt: str | None) -> dict[str, dict[str, Any]]:
    named = dict(named_model(model, prompt) for model in models)
    if len(named) < len(models):
        raise Refused(f"two models are called {_twice(models)}; give each a name of its own")
    return named


def _twice(models: Sequence[str]) -> str:
    names = [model.partition("=")[0] for model in models]
    return next(name for name in names if names.count(name) > 1)


def evaluate(
    wanted: EvaluationRequest, ray: str | None = None, *, offline: bool = False, quiet: bool = False
) -> ScoresSummary:
    """Ask the models, and score all that are there. The same request goes on after a stop, and asks only the rest.

    Raises Refused before anything is asked; TasksFailed if some questions got no reply, once all others are scored.
    """
    failure = None
    with hub_closed(offline), executor_for(ray) as executor:
        try:
            with broadcast(wanted.folder, wanted.recipe, executor, quiet=quiet) as listener:
                run_steps(asking_steps(wanted.config, wanted.folder), wanted.folder, executor, listener)
        except StepDiffers as error:
            raise Refused(f"{error.why}. {RENAME}, or remove the folder {wanted.folder.url}/{error.step}") from error
        except TasksFailed as error:
            failure = error
        if replied := _replied(wanted.folder):
            _score(wanted.folder, wanted.config.reader, executor, quiet)
    if failure is not None or not replied:
        raise failure or Waiting(f"{wanted.folder.url} has no replies yet")
    return scores_of(wanted.folder, prices=_prices(wanted.config))


def _prices(config: Evaluation) -> dict[str, tuple[float, float]]:
    """Return the prices of a million tokens of requests and of replies, for each model that has some."""
    found = {name: (one.price_in, one.price_out) for name, one in config.models.items() if isinstance(one, Server)}
    return {name: (asked or 0.0, replied or 0.0) for name, (asked, replied) in found.items() if asked or replied}


def scores(
    url: str, *, version: int | None = None, reader: str | None = None, against: str | None = None
) -> ScoresSummary:
    """Return the scores of an evaluation, or of a run's; `reader`: read the kept replies again by these rules first."""
    folder = evaluation_folder(url, version)
    if reader is not None:
        with executor_for(None) as executor:
            _score(folder, reader, executor, quiet=True)
    try:
        return scores_of(folder, against)
    except NotCommitted as error:
        again = f"`blindpairs scores {folder.url} --reader form` scores what was replied, and asks no model"
        raise NotCommitted(f"{folder.url} is not scored yet, or not since images were forgotten: {again}") from error


def _replied(folder: Folder) -> bool:
    return any(name.startswith(PREDICTIONS) for name in asked_and_predicted(folder))


def _score(folder: Folder, reader: str, executor: Executor, quiet: bool) -> None:
    """Read and score all committed predictions, and write the page while this driver holds the lease."""
    there = asked_and_predicted(folder)

    def finish(manifests: Mapping[str, Manifest]) -> None:
        write_leaderboard(folder)
        for name in there:
            drop_replies(folder / REPLIES / name)

    with broadcast(folder, "scores", executor, quiet=quiet) as listener:
        run_steps(scoring_steps(there, reader), folder, executor, listener, finish, there=there)
