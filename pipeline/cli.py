"""The command line. Errors are one line on stderr; exit codes: 0 done, 1 tasks failed, 2 refused.

Nothing heavy is imported here: each command imports what it needs, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer

from pipeline import options
from pipeline.told import told

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Find blind pairs: two images one encoder (CLIP) takes for near the same and another (DINOv2) does not.",
)


@app.command()
def run(
    recipe: options.Recipe,
    changes: options.Changes = None,
    root: options.Root = "runs",
    name: options.Name = None,
    until: options.Until = None,
    ray: options.Ray = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
) -> None:
    """Make a run: images, embeddings, candidates, pairs, report. The same command again goes on.

    Example: blindpairs run photos --set images.sources.0.uri=~/Pictures
    """
    with told():
        from pipeline import commands

        summary = commands.run(recipe, changes or [], root, name, until, offline, ray)
        _out(summary, as_json)


@app.command()
def plan(
    recipe: options.Recipe,
    changes: options.Changes = None,
    root: options.Root = "runs",
    name: options.Name = None,
    offline: options.Offline = False,
    images: options.Imagined = None,
    as_json: options.Json = False,
) -> None:
    """Say what `run` would do, and what its search will take, before anything starts.

    Example: blindpairs plan mmvp --images 12000000
    """
    with told():
        from pipeline import commands

        _out(commands.plan(recipe, changes or [], root, name, offline, images), as_json)


@app.command()
def status(run: options.Run, as_json: options.Json = False) -> None:
    """Say how far a run is and who drives it, from its folder alone, while it goes on.

    Example: blindpairs status runs/mmvp
    """
    with told():
        from pipeline import commands

        _out(commands.status(run), as_json)


@app.command()
def show(
    run: options.Run,
    step: options.Step,
    rows: options.Rows = 10,
    as_json: options.Json = False,
) -> None:
    """Show the first rows of a step's manifest.

    Example: blindpairs show runs/mmvp pairs --rows 20
    """
    with told():
        from pipeline import commands

        _out(commands.show(run, step, rows), as_json)


@app.command()
def lineage(run: options.Run, step: options.Step, as_json: options.Json = False) -> None:
    """Say what a manifest was made of: settings, sources, weights, and the steps before it.

    Example: blindpairs lineage runs/mmvp pairs
    """
    with told():
        from pipeline import commands

        _out(commands.lineage(run, step), as_json)


@app.command()
def audit(
    run: options.Run, images: options.Images = 200, seed: options.Seed = 0, as_json: options.Json = False
) -> None:
    """Compare random images with all others, by other code than the search's: how many pairs it found, which it missed.

    Exit code 1 where the search broke its promise: method ivf may miss pairs, the others may not.

    Example: blindpairs audit runs/mmvp --images 200
    """
    with told():
        from pipeline import commands

        answer = commands.audit(run, images, seed)
        _out(answer, as_json)
        if answer.audit.defect:
            raise typer.Exit(1)


@app.command()
def report(run: options.Run) -> None:
    """Write the gallery of a finished run again: one HTML file that opens without a network.

    Example: blindpairs report runs/mmvp
    """
    with told():
        from pipeline.report.write import write_report

        typer.echo(f"gallery: {write_report(run)}")


@app.command()
def demo(
    out: options.Out = Path("demo"),
    scenes: options.Scenes = 600,
    ray: options.Ray = None,
) -> None:
    """Draw scenes with known blind pairs, find them, and say which were missed and why. Downloads nothing.

    Example: blindpairs demo --out demo
    """
    with told():
        from pipeline.demo.show import demo as show_demo

        typer.echo(show_demo(out, scenes, ray))


@app.command()
def presets(name: options.Preset = None) -> None:
    """List the presets, or print one to start a recipe of your own from.

    Example: blindpairs presets mmvp > my.yaml
    """
    with told():
        from pipeline import commands

        typer.echo(commands.presets(name))


def _out(value: Any, as_json: bool) -> None:
    """Print a command's answer: `value.to_json()` for programs, `str(value)` for people."""
    typer.echo(json.dumps(value.to_json(), indent=1) if as_json else str(value))


def main() -> None:
    sys.exit(app())


if __name__ == "__main__":
    main()
