"""Look: the commands that change nothing: status, show, lineage, audit, parity, lint."""

from __future__ import annotations

import typer

from pipeline.cli import options
from pipeline.cli.console import exit_on_error, print_summary


def status(run: options.Run, as_json: options.Json = False) -> None:
    """Show a run's progress and which process is driving it, from its folder alone.

    Example: blindpairs status runs/mmvp
    """
    with exit_on_error():
        from pipeline.reports.status.read import status_of

        print_summary(status_of(run), as_json)


def show(
    run: options.Run,
    step: options.Step,
    rows: options.Rows = 10,
    as_json: options.Json = False,
) -> None:
    """Show the first rows of a step's manifest.

    Example: blindpairs show runs/mmvp pairs --rows 20
    """
    with exit_on_error():
        from pipeline.cli.summaries import rows_of
        from pipeline.run.run import Run

        print_summary(rows_of(Run.open(run), step, rows), as_json)


def lineage(run: options.Run, step: options.Step, as_json: options.Json = False) -> None:
    """Show what a manifest was made from: settings, sources, weights, and the steps before it.

    Example: blindpairs lineage runs/mmvp pairs
    """
    with exit_on_error():
        from pipeline.cli.summaries import lineage_of
        from pipeline.run.run import Run

        print_summary(lineage_of(Run.open(run), step), as_json)


def audit(
    run: options.Run, images: options.Images = 200, seed: options.Seed = 0, as_json: options.Json = False
) -> None:
    """Check the search with independent code: compare random images with all others, and list the pairs it missed.

    Exit code 1 if method exact or flat missed a pair; method ivf may miss some.

    Example: blindpairs audit runs/mmvp --images 200
    """
    with exit_on_error():
        from pipeline.reports.audit.audit import audit as audit_candidates
        from pipeline.reports.audit.summary import summarized
        from pipeline.run.run import Run

        opened = Run.open(run)
        found = audit_candidates(opened, images=images, seed=seed)
        print_summary(summarized(opened, found), as_json)
        if found.defect:
            raise typer.Exit(1)


def parity(
    recipe: options.Recipe,
    changes: options.Changes = None,
    images: options.Compared = 200,
    photos: options.Photos = None,
    seed: options.Seed = 0,
    offline: options.Offline = False,
    as_json: options.Json = False,
) -> None:
    """Check that the embed step's vectors on this machine match those of the models' own libraries.

    The libraries compute in float32 on the CPU. Reports on each encoder of the recipe, and on the set of pairs. Exit
    code 1 if they do not match.

    Example: blindpairs parity mmvp --images 200
    """
    with exit_on_error("nothing was changed"):
        from pipeline.reports.parity.parity import asked
        from pipeline.reports.parity.parity import parity as compared
        from pipeline.reports.parity.summary import ParitySummary

        found = compared(asked(recipe, changes or [], offline), images=images, seed=seed, source=photos)
        print_summary(ParitySummary(found), as_json)
        if not found.faithful:
            raise typer.Exit(1)


def lint(
    source: options.Source,
    draw: options.Draw = "200",
    seed: options.Seed = 0,
    as_json: options.Json = False,
) -> None:
    """Report what is wrong with image files, tars, img2dataset's output or Parquet files with images.

    Reads everything once and prints one line per finding. Exit code 1 if there is an error, 0 if there are
    only warnings.

    Example: blindpairs lint "/data/laion/{00000..00041}.tar"
    """
    with exit_on_error("nothing was changed"):
        from pipeline.reports.lint.lint import lint as lint_source

        answer = lint_source(source, draw, seed)
        print_summary(answer, as_json)
        if answer.wrong:
            raise typer.Exit(1)
