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
    """Check the search by independent code: compare random images with all others and name the pairs it missed.

    Exit code 1 where the search broke its promise: method ivf may miss pairs, the others may not.

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
    """Compare the embed step's vectors with the libraries' own, float32 on the CPU: is it faithful on this machine?

    Says so of each encoder of the recipe, and of the set of pairs. Exit code 1 where it is not.

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
    """Report what is wrong with tars, img2dataset's output, image folders or Parquet of images: one line per finding.

    Reads everything once. Exit code 1 where there is an error; a warning loses nothing.

    Example: blindpairs lint "/data/laion/{00000..00041}.tar"
    """
    with exit_on_error("nothing was changed"):
        from pipeline.reports.lint.lint import lint as lint_source

        answer = lint_source(source, draw, seed)
        print_summary(answer, as_json)
        if answer.wrong:
            raise typer.Exit(1)
