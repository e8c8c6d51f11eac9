"""Evaluate: the commands that ask models a benchmark's questions and show their scores."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import exit_on_error, print_summary

Benchmark = Annotated[
    str,
    typer.Argument(
        metavar="BENCHMARK", help="a run's folder, an evaluation's recipe (YAML), or, with --format, published files"
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME=KIND[:MODEL][,SETTING=VALUE]...",
        help="a model to ask, under a name that you choose: clip=open_clip:ViT-L-14-quickgelu,pretrained=openai",
    ),
]
Version = Annotated[
    int | None, typer.Option("--questions", metavar="N", help="version of the questions; default: newest")
]
Kind = Annotated[
    str | None,
    typer.Option("--format", metavar="KIND", help="cv-bench, pope, naturalbench, vismin or hallusionbench"),
]
Images = Annotated[
    str | None,
    typer.Option("--images", metavar="FOLDER", help="folder of the images, if published files only name them"),
]
To = Annotated[str | None, typer.Option("--to", metavar="FOLDER", help="folder for an evaluation of published files")]
Prompt = Annotated[
    str | None,
    typer.Option(metavar="FORM", help="prompt form: mmvp, letter, lmms-eval, vlmevalkit or ours [default: letter]"),
]
Reader = Annotated[
    str | None, typer.Option(metavar="RULES", help="read the replies again by these rules; no model is asked")
]
Grader = Annotated[
    str | None,
    typer.Option(
        metavar="KIND:MODEL,...", help="a language model that judges each reply, yes or no, as MMVP's grader does"
    ),
]
Against = Annotated[
    str | None, typer.Option(metavar="NAME", help="compare every model with this one, by exact tests on pairs")
]
Evaluated = Annotated[str, typer.Argument(metavar="RUN", help="a run's folder, or an evaluation's")]


def evaluate(
    benchmark: Benchmark,
    models: Models = None,
    version: Version = None,
    kind: Kind = None,
    images: Images = None,
    to: To = None,
    prompt: Prompt = None,
    grader: Grader = None,
    changes: options.Changes = None,
    ray: options.Ray = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
) -> None:
    """Ask models a benchmark's questions, score them by pair and pattern, and write the leaderboard.

    Replies are kept: after a stop, the same command continues. To add models, name only the new ones.

    Example: blindpairs evaluate runs/mmvp --model llava=transformers:llava-hf/llava-1.5-7b-hf
    """
    with exit_on_error("replies are kept; run the same command again to ask the rest"):
        from pipeline.cli.evaluations import requested
        from pipeline.launch.evaluate import evaluate as ask_and_score

        wanted = requested(benchmark, models or [], version, kind, images, to, prompt, grader, changes or [])
        print_summary(ask_and_score(wanted, ray, offline=offline), as_json)


def scores(
    run: Evaluated,
    against: Against = None,
    version: Version = None,
    reader: Reader = None,
    as_json: options.Json = False,
) -> None:
    """Show the scores of the models that were asked, with intervals, by pattern.

    Example: blindpairs scores runs/mmvp --against clip
    """
    with exit_on_error():
        from pipeline.launch.evaluate import scores as scores_of_run

        print_summary(scores_of_run(run, version=version, reader=reader, against=against), as_json)
