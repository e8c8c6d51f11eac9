"""Evaluation: the steps of an evaluation, and its folder.

First the questions, and each model's predictions, which are a step of their own: models can be added later, and one
that fails does not stop the others. Then the answers read from the predictions, and the scores, over all models so far.
"""

from __future__ import annotations

from collections.abc import Mapping

from manifests.errors import Refused
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.config.evaluation import Evaluation
from pipeline.config.settings import WorkerSettings
from pipeline.run.layout import (
    ANSWERS,
    PREDICTIONS,
    QUESTIONS,
    REPLIES,
    SCORES,
    VERDICTS,
    evaluation_steps,
    evaluation_versions,
    run_folder,
)
from pipeline.run.recipe import Step
from stages.base import Stage
from stages.evaluate.answers import ReadAnswers
from stages.evaluate.grade import Grade
from stages.evaluate.imported import ImportedPredictions
from stages.evaluate.imports.settings import Imported
from stages.evaluate.predict import Predict
from stages.evaluate.questions import AskedQuestions
from stages.evaluate.scores import Score
from stages.evaluate.settings import ModelSettings
from stages.models.answering.settings import Answering, BuiltIn, Server

ONE = WorkerSettings()


def asking_steps(config: Evaluation, folder: Folder) -> list[Step]:
    """The steps that ask: the questions, and the predictions of each model of the recipe.

    Files of replies come first: one that is of other questions is refused before any model is asked.
    """
    steps = [Step(QUESTIONS, AskedQuestions(config.benchmark), (), ONE)]
    for name, model in sorted(config.models.items(), key=lambda one: not isinstance(one[1], Imported)):
        steps.append(
            Step(PREDICTIONS + name, _asking(name, model, folder), (QUESTIONS,), _workers(model, config.workers))
        )
        if config.grader is not None and isinstance(model, Answering | Imported):
            grade = Grade(name, config.grader, (folder / REPLIES / (VERDICTS + name)).url)
            reads = (QUESTIONS, PREDICTIONS + name)
            steps.append(Step(VERDICTS + name, grade, reads, _workers(config.grader, config.workers)))
    return steps


def _asking(name: str, model: ModelSettings, folder: Folder) -> Stage:
    """Return the stage that asks a model, or that takes the replies which another program got from it."""
    if isinstance(model, Imported):
        return ImportedPredictions(name, model)
    return Predict(name, model, (folder / REPLIES / (PREDICTIONS + name)).url)


def scoring_steps(there: Mapping[str, Manifest], reader: str) -> list[Step]:
    """The steps that read the replies and score them. `there`: the committed questions, predictions and verdicts."""
    asked = tuple(there)
    scored = (QUESTIONS, ANSWERS, *(name for name in asked if name.startswith(PREDICTIONS)))
    return [Step(ANSWERS, ReadAnswers(reader), asked, ONE), Step(SCORES, Score(), scored, ONE)]


def _workers(model: ModelSettings, workers: WorkerSettings) -> WorkerSettings:
    """One worker for a server, whose limit of requests at once is the worker's, and for what takes no time."""
    if workers.count is None and isinstance(model, Server | BuiltIn | Imported):
        return workers.model_copy(update={"count": 1})
    return workers


def evaluation_folder(url: str, version: int | None = None) -> Folder:
    """Return the folder of an evaluation: this one, or the run's, of the newest questions or of `version`.

    Raises Refused if there is none.
    """
    folder = Folder(url.rstrip("/"))
    if evaluation_steps(folder):
        if version is not None and not folder.url.endswith(f"/evaluation-{version}"):
            raise Refused(f"{url} is an evaluation, not of questions-{version}; give the run, or leave out --questions")
        return folder
    versions = evaluation_versions(run := run_folder(url))
    if not versions or version not in (None, *versions):
        what = "has no evaluation yet" if version is None else f"has no evaluation of questions-{version}"
        raise Refused(f"{url} {what}; `blindpairs evaluate {url} --model NAME=KIND:MODEL` makes one")
    return run / f"evaluation-{version or versions[-1]}"


def asked_and_predicted(folder: Folder) -> dict[str, Manifest]:
    """Return the committed questions, predictions and verdicts of an evaluation, in order.

    Predictions whose verdicts are not finished are left out: read in another way, they would give other figures.
    """
    steps = [name for name in evaluation_steps(folder) if name not in (ANSWERS, SCORES)]
    there = {name: Manifest.open(folder / name) for name in steps if (folder / name).has(COMMIT)}
    ungraded = {name.removeprefix(VERDICTS) for name in steps if name.startswith(VERDICTS) and name not in there}
    return {name: one for name, one in there.items() if name.removeprefix(PREDICTIONS) not in ungraded}
